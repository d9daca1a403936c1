"""Equations of plain text: found whole or not at all, checked exactly; and the reward that reads steps by them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longthought.agents.problems import Problem
from longthought.agents.rewards.arithmetic_step import ArithmeticRule
from longthought.agents.rewards.equations import equations
from longthought.agents.thoughts import Path as ThoughtPath
from longthought.agents.thoughts import straight_path

DATA = Path(__file__).parents[4] / "shared" / "data"
PROBLEM = Problem(id="p", question="q")


def _checked(text: str) -> list[tuple[str, bool]]:
    return [(str(one), holds) for one in equations(text) if (holds := one.holds()) is not None]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("48/2 = 24 clips", [("48/2 = 24", True)]),
        ("She has 16 - 3 - 4 = <<16-3-4=9>>9 eggs", [("16-3-4 = 9", True)]),
        ("$1,200.50 * 2 = $2,401", [("$1,200.50 * 2 = $2,401", True)]),
        ("3 × 4 = 12 and 12 ÷ 5 = 2.4.", [("3 * 4 = 12", True), ("12 / 5 = 2.4", True)]),
        (r"\(3 \cdot 4 = 12\)", []),
        (r"$3 \times 4 = 11$", [("$3 * 4 = 11$", False)]),
        ("3 x 4 = 12", [("3 x 4 = 12", True)]),
        ("2*3 = 6 = 12/2 = 5", [("2*3 = 6", True), ("6 = 12/2", True), ("12/2 = 5", False)]),
        ("10/3 = 3.33", [("10/3 = 3.33", True)]),
        ("10/3 = 3.35", [("10/3 = 3.35", False)]),
        ("48/2 = 25", [("48/2 = 25", False)]),
        ("20% * 50 = 10", [("20% * 50 = 10", True)]),
        ("5/20 * 100 = 25%", [("5/20 * 100 = 25%", True)]),
        ("6 / 1/2 = 12", [("6 / 1/2 = 12", True)]),
        ("(2 + 3) * 4 = 20", [("(2 + 3) * 4 = 20", True)]),
        ("In 2010, 3 + 2 = 5, so", [("3 + 2 = 5", True)]),
        ("- 3 + 4 = 7", []),
        ("1) 3 + 4 = 7", []),
        ("half of 48 + 2 = 26", []),
        ("y - 2 = 8, 2y + 3 = 7, x2 + 3 = 5", []),
        ("3:30 + 1 = 4:30", []),
        ("2^3 + 1 = 9 and √9 + 1 = 4 and 5! + 2 = 122", []),
        ("2 + 3 = 5x", []),
        ("Week 1 + Week 2 = 35 + 35", []),
        ("5 = 5", []),
        ("1/0 = 0", []),
        ("", []),
    ],
)
def test_what_is_found_and_whether_it_holds(text: str, found: list[tuple[str, bool]]) -> None:
    assert _checked(text) == found


# Numbers of more than twelve digits are not read, and the product of two of these has no more.
@given(st.integers(0, 999_999), st.integers(1, 999_999), st.sampled_from("+-*/"), st.integers(-3, 3))
def test_a_right_result_holds_and_a_wrong_one_does_not(a: int, b: int, op: str, off: int) -> None:
    value = {"+": a + b, "-": a - b, "*": a * b, "/": a // b}[op]
    (one,) = equations(f"So {a} {op} {b} = {value + off} things.")
    assert one.holds() is (off == 0 or (op == "/" and off == 1 and a % b != 0))
    assert f"{a} {op} {b} = {value + off}" == str(one)


def test_places_are_those_of_the_text() -> None:
    text = r"so \$3 \times 4 = 12 dollars"
    (one,) = equations(text)
    assert text[slice(*one.span)] == r"$3 \times 4 = 12"


@pytest.mark.parametrize(
    "piece", ["=", "1+1=", "(", "1,", "- ", "$", "x", "1 + 1 = 2 ", "% ", ".", "1/1/", " "]
)
def test_long_texts_take_linear_time(piece: str) -> None:
    started = time.process_time()
    for one in equations(piece * (40_000 // len(piece))):
        one.holds()
    assert time.process_time() - started < 3.0


async def test_the_reward_says_which_equation_fails() -> None:
    reward = ArithmeticRule()
    steps = ["48/2 = 24 and 24+48 = 71", "48/2 = 24", "no numbers"]
    readings = await reward.read_steps(straight_path(PROBLEM, steps))
    assert [str(reading) for reading in readings] == [
        "arithmetic: incorrect (24+48 = 71 does not hold)",
        "arithmetic: correct",
        "arithmetic: unscored (no equation)",
    ]
    assert (await reward.read(ThoughtPath(PROBLEM))).unscored


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data are not here")
def test_false_alarms_on_real_solutions_are_very_rare() -> None:
    """Of the alarms that there are, most are mistakes of the solutions."""
    rows = (DATA / "gsm8k" / "test.jsonl").read_text("utf-8").splitlines()
    steps = [step for row in rows for step in json.loads(row)["answer"].split("\n")]
    checked = [[one.holds() for one in equations(step)] for step in steps]
    read = [holds for holds in checked if any(one is not None for one in holds)]
    assert len(read) > 3_000
    assert sum(False in holds for holds in read) / len(read) < 0.002
