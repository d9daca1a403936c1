"""pass@k and maj@k are the averages over all subsets, found by going through them."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longthought.train.evaluating.at_k import maj_at_k, pass_at_k, powers_up_to

RIGHT = ("a", "b")
SAMPLES = st.lists(st.sampled_from(["a", "b", "c", "d", None]), min_size=1, max_size=8)


def _told(answers: list[str | None]) -> list[tuple[str | None, bool]]:
    return [(answer, answer in RIGHT) for answer in answers]


@given(SAMPLES, st.data())
def test_both_are_the_averages_over_all_subsets(answers: list[str | None], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(answers)))
    passed = won = Fraction(0)
    subsets = list(combinations(answers, k))
    for subset in subsets:
        passed += any(answer in RIGHT for answer in subset)
        votes = Counter(answer for answer in subset if answer is not None)
        level = [answer for answer in votes if votes[answer] == max(votes.values())]
        won += Fraction(sum(answer in RIGHT for answer in level), len(level)) if level else 0
    right = sum(answer in RIGHT for answer in answers)
    assert pass_at_k(len(answers), right, k) == pytest.approx(float(passed / len(subsets)))
    assert maj_at_k(_told(answers), k) == pytest.approx(float(won / len(subsets)))


@given(SAMPLES)
def test_with_one_sample_both_are_the_share_that_is_right(answers: list[str | None]) -> None:
    share = sum(answer in RIGHT for answer in answers) / len(answers)
    assert maj_at_k(_told(answers), 1) == pytest.approx(share)
    assert pass_at_k(len(answers), sum(answer in RIGHT for answer in answers), 1) == pytest.approx(share)


def test_many_samples_are_no_trouble() -> None:
    # 64 different answers, one of them right: k of them draw a vote among k that are level.
    samples = [(str(i), i == 0) for i in range(64)]
    assert maj_at_k(samples, 32) == pytest.approx(1 / 64)
    assert pass_at_k(64, 1, 32) == pytest.approx(32 / 64)
    assert pass_at_k(64, 64, 64) == 1
    # All but one agree on a wrong answer.
    assert maj_at_k([("no", False)] * 63 + [("yes", True)], 2) == pytest.approx((2 / 64) / 2)


@pytest.mark.parametrize(("n", "told"), [(1, [1]), (2, [1, 2]), (5, [1, 2, 4, 5]), (8, [1, 2, 4, 8])])
def test_the_k_that_are_reported(n: int, told: list[int]) -> None:
    assert powers_up_to(n) == told


@pytest.mark.parametrize("k", [0, 4])
def test_there_is_no_k_beyond_the_samples(k: int) -> None:
    with pytest.raises(ValueError, match="of 3 samples"):
        pass_at_k(3, 1, k)
    with pytest.raises(ValueError, match="of 3 samples"):
        maj_at_k([("a", True)] * 3, k)
