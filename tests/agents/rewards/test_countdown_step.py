"""The rule checker's labels on paths."""

from __future__ import annotations

import pytest

from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.countdown_step import CountdownStepRule
from longthought.agents.thoughts import Path, Thought, straight_path

PUZZLE = Problem(id="p", question="Reach 32 with 29, 13, 2.", metadata={"numbers": [29, 13, 2], "target": 32})


async def _read(*steps: str, look_ahead: bool = False) -> Reading:
    return await CountdownStepRule(look_ahead).read(straight_path(PUZZLE, list(steps)))


async def test_a_legal_step_is_correct_and_a_dead_end_only_wrong_to_the_oracle() -> None:
    assert await _read("29+13=42 [2 42]") == Reading(reward="countdown-step", label="correct")
    seen = await _read("29+13=42 [2 42]", look_ahead=True)
    assert (seen.reward, seen.label) == ("countdown-oracle", "incorrect")
    assert seen.why == "dead end: 32 cannot be reached from 2 42"
    assert (await _read("29-13=16 [2 16]", "2*16=32 [32]", look_ahead=True)).label == "correct"


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (["29-13=15 [2 15]"], "29-13 is 16, not 15"),
        (["29-13=16 [2 16]", "29*2=58 [58]"], "29 is not available, only 2 16"),
        (["29-13=15 [2 15]", "2*15=30 [30]"], "an earlier step is wrong: 29-13 is 16, not 15"),
        (["let us think"], "not a step of the form 29-13=16 [28 25 16]"),
    ],
)
async def test_the_first_error_is_named(steps: list[str], why: str) -> None:
    reading = await _read(*steps)
    assert (reading.label, reading.why) == ("incorrect", why)


def _concluded(text: str, answer: str | None) -> Path:
    step = Thought(id=1, parent=0, kind="step", text="29-13=16 [2 16]")
    pause = Thought(id=2, parent=1, kind="reflection", text="Only the product is left.")
    return Path(PUZZLE, (step, pause, Thought(id=3, parent=2, kind="conclusion", text=text, answer=answer)))


async def test_conclusions_are_checked_as_expressions() -> None:
    rule = CountdownStepRule()
    assert (await rule.read(_concluded("answer: (29-13)*2", "(29-13)*2"))).label == "correct"
    assert (await rule.read(_concluded("answer: 29-13+2", None))).why == "equals 18, not 32"
    assert (await rule.read(_concluded("I give up", None))).why == "the conclusion states no answer"


async def test_what_cannot_be_read_is_unscored() -> None:
    rule = CountdownStepRule()
    assert (await rule.read(Path(PUZZLE))).unscored
    reflecting = _concluded("", None)
    assert (await rule.read(Path(PUZZLE, reflecting.thoughts[:2]))).unscored
    assert (await rule.read(straight_path(Problem(id="q", question="2+2?"), ["4"]))).unscored
