"""The rule checker for one Countdown step: is it legal, and with look-ahead, does it lead to a dead end."""

from __future__ import annotations

from longthought.agents.readings import Reading
from longthought.agents.rewards.answer_text import find_answer
from longthought.agents.rewards.contract import Reward
from longthought.agents.rewards.countdown import (
    Check,
    Puzzle,
    alive,
    check_expression,
    legal_step,
    parse_step,
    puzzle_of,
)
from longthought.agents.thoughts import Path, Thought


class CountdownStepRule(Reward):
    """Labels the last thought ``correct`` or ``incorrect``, and why.

    A step is incorrect when it is not of the form ``29-13=16 [28 25 16]``, when its arithmetic, its operands
    or what it says is left are wrong, or when a step before it was. A conclusion is checked as an expression.
    Reflections are unscored. With ``look_ahead`` (the reward ``countdown-oracle``) a step from which the
    target can no longer be reached is incorrect too; that takes a search which a critic does not have, so it
    serves for labels and baselines.
    """

    def __init__(self, look_ahead: bool = False) -> None:
        self.name = "countdown-oracle" if look_ahead else "countdown-step"
        self._look_ahead = look_ahead

    async def read(self, path: Path) -> Reading:
        puzzle = puzzle_of(path.problem)
        if puzzle is None:
            return Reading(reward=self.name, why="the problem's metadata hold no numbers and target")
        steps = [thought for thought in path.thoughts if thought.kind != "reflection"]
        if not steps or path.thoughts[-1].kind == "reflection":
            return Reading(reward=self.name, why="there is no step to read")
        check = self._check(puzzle, steps)
        return Reading(reward=self.name, label="correct" if check.ok else "incorrect", why=check.why)

    def _check(self, puzzle: Puzzle, thoughts: list[Thought]) -> Check:
        left = puzzle.numbers
        *before, last = thoughts
        for thought in before:
            if thought.kind != "conclusion":
                check, left = _check_step(left, thought.text)
                if not check.ok:
                    return Check(False, f"an earlier step is wrong: {check.why}")
        if last.kind == "conclusion" or last.answer is not None:
            answer = last.answer or find_answer(last.text)
            if answer is None:
                return Check(False, "the conclusion states no answer")
            return check_expression(answer, puzzle.numbers, puzzle.target)
        check, left = _check_step(left, last.text)
        if check.ok and self._look_ahead and not alive(left, puzzle.target):
            return Check(
                False, f"dead end: {puzzle.target} cannot be reached from {' '.join(map(str, left))}"
            )
        return check


def _check_step(left: tuple[int, ...], text: str) -> tuple[Check, tuple[int, ...]]:
    step = parse_step(text)
    if step is None:
        return Check(False, "not a step of the form 29-13=16 [28 25 16]"), left
    return legal_step(left, step), step.rest
