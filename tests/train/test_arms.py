"""Means over seeds: their intervals cover what they should, and know problems from seeds."""

from __future__ import annotations

import numpy as np
import pytest

from longthought.agents.errors import UsageError
from longthought.train.evaluating.arms import Results, over_seeds
from longthought.train.results import bootstrap_mean


def _runs(rows: object) -> list[Results]:
    return [{f"p{i}": float(value) for i, value in enumerate(row)} for row in np.asarray(rows)]


def test_one_seed_is_the_bootstrap_over_problems() -> None:
    values = [1.0] * 40 + [0.0] * 60
    one, other = over_seeds(_runs([values])), bootstrap_mean(values)
    assert one.mean == other.mean
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=0.011)
    assert (one.n, over_seeds(_runs([values]))) == (100, one)


def test_seeds_that_differ_widen_it_although_problems_do_not() -> None:
    # Every problem is alike, so all that can vary is the seed: S − 1 = 2 draws of the means 0, 0.5 and 1.
    alike = over_seeds(_runs([[0.0] * 50, [0.5] * 50, [1.0] * 50]))
    assert (alike.mean, alike.low, alike.high) == (0.5, 0.0, 1.0)
    same = over_seeds(_runs([[0.5] * 50] * 3))
    assert (same.low, same.high) == pytest.approx((0.5, 0.5))


def test_problems_are_shared_by_the_arms_so_their_difficulty_drops_out() -> None:
    hard = np.arange(60) % 2 == 0
    first = _runs([np.where(hard, 0.0, 1.0)] * 3)
    second = _runs([np.where(hard, 0.0, 0.5)] * 2)
    gap = over_seeds(first, second)
    assert gap.mean == pytest.approx(0.25)
    alone = over_seeds(first)
    assert gap.high - gap.low == pytest.approx((alone.high - alone.low) / 2, abs=0.01)
    turned = over_seeds(second, first)
    assert (turned.mean, turned.low) == pytest.approx((-gap.mean, -gap.high), abs=0.011)


@pytest.mark.parametrize(("seeds", "spread"), [(3, 0.0), (3, 0.3), (5, 0.3)])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(seeds: int, spread: float) -> None:
    random = np.random.default_rng(1)
    # A run answers right with the chance sigmoid(problem + seed); by symmetry the truth is one half.
    covered, trials = 0, 100
    for _ in range(trials):
        problems, ability = random.normal(0, 1, 100), random.normal(0, spread, (seeds, 1))
        rights = random.random((seeds, 100)) < 1 / (1 + np.exp(-(problems + ability)))
        found = over_seeds(_runs(rights), resamples=400)
        covered += found.low <= 0.5 <= found.high
    # 95 of 100 have a standard error of 2.2; narrower than 90 it would promise too much.
    assert covered >= 90


def test_only_problems_of_all_runs_count() -> None:
    found = over_seeds([{"a": 1.0, "b": 0.0}, {"a": 1.0, "c": 0.0}], [{"a": 0.0, "b": 1.0}])
    assert (found.mean, found.n) == (1.0, 1)
    with pytest.raises(UsageError, match="no problem that all"):
        over_seeds([{"a": 1.0}], [{"b": 1.0}])
