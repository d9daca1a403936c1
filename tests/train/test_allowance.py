"""What fits into an allowance of tokens, and how the tries in it vote."""

from __future__ import annotations

import pytest

from longthought.train.allowance import Try, accuracy_at, tokens_at, voted, within

RIGHT, WRONG, NOTHING = Try(10, "4", True), Try(10, "5", False), Try(10, None, False)


@pytest.mark.parametrize(
    ("tries", "right"),
    [
        ([], False),
        ([NOTHING], False),
        ([NOTHING, RIGHT], True),
        ([WRONG, RIGHT], False),
        ([RIGHT, WRONG], True),
        ([WRONG, RIGHT, NOTHING, RIGHT], True),
        ([RIGHT, WRONG, Try(10, "6", False), WRONG], False),
    ],
)
def test_the_most_frequent_answer_wins_and_the_earliest_of_equals(tries: list[Try], right: bool) -> None:
    assert voted(tries) is right


def test_tries_are_taken_in_order_until_one_does_not_fit() -> None:
    tries = [Try(10, "4", True), Try(25, "5", False), Try(1, "5", False)]
    assert [len(within(tries, allowance)) for allowance in (9, 10, 34, 35, 36)] == [0, 1, 1, 2, 3]


def test_accuracy_and_tokens_within_an_allowance() -> None:
    tries = {"a": [WRONG, RIGHT, RIGHT], "b": [RIGHT, WRONG], "c": [Try(100, "4", True)]}
    assert accuracy_at(tries, 30) == {"a": 1.0, "b": 1.0, "c": 0.0}
    assert accuracy_at(tries, 10) == {"a": 0.0, "b": 1.0, "c": 0.0}
    assert tokens_at(tries, 30) == pytest.approx((30 + 20 + 0) / 3)
