"""Countdown: steps, checks of answers, the exact solver against brute force."""

from __future__ import annotations

import csv
from fractions import Fraction
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longthought.agents.problems import Problem
from longthought.agents.rewards.countdown import (
    Puzzle,
    Step,
    alive,
    check_expression,
    conclude,
    legal_step,
    moves,
    parse_step,
    puzzle_of,
    reachable,
    solutions,
)

DATA = Path(__file__).parents[4] / "shared" / "data"


def _hand(numbers: list[int]) -> tuple[int, ...]:
    return tuple(numbers)


_hands = st.lists(st.integers(1, 40), min_size=2, max_size=4).map(_hand)


def _brute_force(numbers: tuple[int, ...], target: int) -> bool:
    if len(numbers) == 1:
        return numbers[0] == target
    for a, b, *rest in permutations(numbers):
        results = [a + b, a * b]
        if a >= b:
            results.append(a - b)
        if b and a % b == 0:
            results.append(a // b)
        if any(_brute_force((result, *rest), target) for result in results):
            return True
    return False


@given(st.lists(st.integers(0, 12), min_size=1, max_size=4).map(_hand), st.integers(0, 60))
def test_the_solver_agrees_with_brute_force(numbers: tuple[int, ...], target: int) -> None:
    assert alive(numbers, target) == _brute_force(numbers, target)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=3).map(_hand))
def test_what_can_be_reached_is_all_that_brute_force_finds_in_order(numbers: tuple[int, ...]) -> None:
    highest = max(9**3, *reachable(numbers))
    assert reachable(numbers) == [n for n in range(highest + 1) if _brute_force(numbers, n)]


def test_fractions_only_where_asked_for() -> None:
    assert not alive((3, 3, 8, 8), 24)
    assert alive((3, 3, 8, 8), 24, whole=False)


@given(_hands, st.data())
def test_any_play_is_legal_round_trips_and_concludes(hand: tuple[int, ...], data: st.DataObject) -> None:
    left, played = hand, list[Step]()
    while len(left) > 1:
        step = data.draw(st.sampled_from(moves(left)))
        assert legal_step(left, step).ok
        assert parse_step(str(step)) == step
        played.append(step)
        left = step.rest
    assert check_expression(conclude(played, hand), hand, played[-1].result).ok


@given(_hands, st.integers(1, 100))
def test_solutions_are_solutions_and_exist_when_alive(hand: tuple[int, ...], target: int) -> None:
    steps = next(solutions(hand, target), None)
    assert (steps is not None) == alive(hand, target)
    if steps is not None:
        assert check_expression(conclude(steps, hand), hand, target).ok


def test_conclude_writes_only_the_brackets_it_needs() -> None:
    steps = [Step("-", 29, 13, 16, (2, 16)), Step("*", 16, 2, 32, (32,))]
    assert conclude(steps, (29, 13, 2)) == "(29-13)*2"
    assert conclude([Step("+", 3, 4, 7, (20, 7)), Step("-", 20, 7, 13, (13,))], (20, 3, 4)) == "20-(3+4)"
    assert conclude([Step("-", 4, 3, 1, (20, 1)), Step("+", 20, 1, 21, (21,))], (20, 3, 4)) == "20+4-3"
    with pytest.raises(ValueError, match="leave 2 16"):
        conclude(steps[:1], (29, 13, 2))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("29-13=17 [28 25 17]", "29-13 is 16, not 17"),
        ("29-12=17 [28 25 17]", "12 is not available, only 28 25 29 13"),
        ("29-13=16 [28 25 13 16]", "what is left is 28 25 16, not 28 25 13 16"),
        ("13-29=-16 [28 25 16]", "-16 is negative"),
        ("13/29=0 [28 25 0]", "13/29 is 13/29, not 0"),
        ("29-29=0 [28 25 0]", "29 is not available, only 28 25 29 13"),
    ],
)
def test_what_is_wrong_with_a_step(text: str, why: str) -> None:
    step = parse_step(text)
    assert step is not None
    assert legal_step((28, 25, 29, 13), step) == (False, why)


def test_the_order_of_what_is_left_does_not_matter() -> None:
    step = parse_step(" 29 - 13 = 16 [16 28 25] ")
    assert step is not None
    assert legal_step((28, 25, 29, 13), step).ok


@given(st.text(alphabet="0123456789+-*/=[] \nx", max_size=500))
def test_any_text_is_a_step_or_none(text: str) -> None:
    step = parse_step(text)
    assert step is None or parse_step(str(step)) == step


@pytest.mark.parametrize(
    "text", ["29-13=16", "29-13=16 []", "answer: 16", "9**9=1 [1]", "2-1=1 [1] done", ""]
)
def test_not_a_step(text: str) -> None:
    assert parse_step(text) is None


def test_answers_are_checked_exactly() -> None:
    numbers = (3, 7, 10)
    assert check_expression("7*(10-3)", numbers, 49).ok
    assert check_expression("7*(10-3)", numbers, 48).why == "equals 49, not 48"
    assert check_expression("7*7", numbers, 49).why == "uses 7 7 instead of 3 7 10"
    # A float comparison with a tolerance of 1e-6 takes this for 1.
    almost = check_expression("99999999/(99999999-1+0)", (99999999, 99999999, 1, 0), 1)
    assert almost.why == f"equals {Fraction(99999999, 99999998)}, not 1"


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"numbers": [1, 2], "target": 3}, Puzzle((1, 2), 3)),
        ({"entry": {"metadata": {"numbers": [1, 2], "target": 3}}}, Puzzle((1, 2), 3)),
        ({"entry": {"metadata": {"numbers": ["1"], "target": 3}}}, None),
        ({"numbers": [], "target": 3}, None),
        ({"numbers": [1, 2]}, None),
        ({}, None),
    ],
)
def test_where_a_puzzle_stands(metadata: dict[str, object], expected: Puzzle | None) -> None:
    assert puzzle_of(Problem(id="p", question="q", metadata=metadata)) == expected


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data are not here")
def test_every_game_of_24_is_solvable() -> None:
    with (DATA / "game24" / "24.csv").open(newline="") as file:
        hands = [tuple(map(int, row["Puzzles"].split())) for row in csv.DictReader(file)][::10]
    assert all(alive(hand, 24, whole=False) for hand in hands)
    assert sum(alive(hand, 24) for hand in hands) >= 0.97 * len(hands)
