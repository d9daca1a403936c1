from __future__ import annotations

import pytest

from longthought.agents.errors import UsageError
from longthought.train.compare import compare, mcnemar
from longthought.train.results import bootstrap_mean


def test_the_interval_is_the_binomials_for_a_rate() -> None:
    # 40 right of 100: the standard error is sqrt(.4*.6/100) = .0490, so the interval is about .4 ± .096.
    interval = bootstrap_mean([1.0] * 40 + [0.0] * 60)
    assert interval.mean == pytest.approx(0.4)
    assert interval.low == pytest.approx(0.304, abs=0.012)
    assert interval.high == pytest.approx(0.496, abs=0.012)
    assert interval.n == 100
    assert str(interval).startswith("0.400 [0.3")


def test_a_seed_repeats_and_no_spread_has_no_width() -> None:
    values = [0.0, 1.0, 1.0, 0.5]
    assert bootstrap_mean(values, seed=1) == bootstrap_mean(values, seed=1)
    same = bootstrap_mean([1.0] * 7)
    assert (same.low, same.high) == (1.0, 1.0)
    with pytest.raises(ValueError, match="no values"):
        bootstrap_mean([])


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [
        (0, 0, 1.0),
        (5, 5, 1.0),
        (6, 0, 2 / 64),
        (0, 6, 2 / 64),
        (8, 2, 2 * (1 + 10 + 45) / 1024),
        (1, 0, 1.0),
    ],
)
def test_mcnemar_is_the_exact_binomial(only_first: int, only_second: int, p: float) -> None:
    assert mcnemar(only_first, only_second) == pytest.approx(p)


def test_mcnemar_takes_thousands_of_problems() -> None:
    assert 0 <= mcnemar(1400, 900) < 1e-20


def test_a_comparison_counts_pairs_and_names_what_is_missing() -> None:
    first = {"a": 1.0, "b": 1.0, "c": 0.0, "d": 0.0, "e": 1.0, "extra": 1.0}
    second = {"a": 1.0, "b": 0.0, "c": 1.0, "d": 0.0, "e": 0.0, "other": 0.0, "another": 0.0}
    result = compare(first, second)
    counts = (result.both_right, result.only_first, result.only_second, result.neither)
    assert counts == (1, 2, 1, 1)
    assert result.difference.mean == pytest.approx(0.2)
    assert result.difference.n == 5
    assert result.difference.low <= 0.2 <= result.difference.high
    assert result.p == pytest.approx(1.0)
    assert (result.missing_in_first, result.missing_in_second) == (("another", "other"), ("extra",))


def test_averages_over_samples_are_compared_by_the_higher() -> None:
    result = compare({"a": 0.5, "b": 0.25, "c": 0.75}, {"a": 0.25, "b": 0.25, "c": 0.75})
    assert (result.both_right, result.only_first, result.only_second, result.neither) == (1, 1, 0, 1)


def test_runs_without_a_common_problem_are_refused() -> None:
    with pytest.raises(UsageError, match="no problem in common"):
        compare({"a": 1.0}, {"b": 1.0})
