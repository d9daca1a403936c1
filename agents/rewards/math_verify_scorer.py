"""Answers in mathematics, compared by math-verify in the killable pool."""

from __future__ import annotations

import re
from importlib import import_module

from longthought.agents.errors import RewardError
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.answer_text import find_answer, gold_answer
from longthought.agents.rewards.contract import Scorer
from longthought.agents.rewards.pool import ScoringPool, shared_pool

WARM = "longthought.agents.rewards.math_verify_warm"

#: "18 dollars": math-verify would read the word as a product of symbols.
_WITH_UNIT = re.compile(r"((?:\\?\$)?-?[0-9][0-9,]{0,40}(?:\.[0-9]{1,40})?) [A-Za-z][A-Za-z ./]{0,80}")


class MathVerifyScorer(Scorer):
    """Right when math-verify takes the answer for equal to the gold answer.

    The gold field may be the bare answer, LaTeX, or a whole solution that ends in ``#### x`` or
    ``\\boxed{x}``.
    """

    name = "math-verify"

    def __init__(self, pool: ScoringPool | None = None) -> None:
        self._pool = pool

    def extract(self, text: str) -> str | None:
        return find_answer(text)

    async def score(self, answer: str, problem: Problem) -> Reading:
        if problem.gold is None:
            return Reading(reward=self.name, why="the problem has no gold answer")
        gold = gold_answer(problem.gold)
        if answer.strip() == gold:
            return Reading(reward=self.name, value=1.0)
        try:
            right = await (self._pool or shared_pool(WARM)).run(equal, answer, gold)
        except RewardError as error:
            return Reading(reward=self.name, why=str(error))
        return Reading(reward=self.name, value=1.0 if right else 0.0)


def equal(answer: str, gold: str) -> bool:
    """Whether the two are mathematically equal. For pool workers only: a hostile answer can take for ever."""
    # Its own timeouts are alarms, which the pool's kill replaces.
    math_verify = import_module("math_verify")
    united = _WITH_UNIT.fullmatch(answer.strip())
    found = math_verify.parse(f"\\boxed{{{united[1] if united else answer}}}", parsing_timeout=None)
    wanted = math_verify.parse(f"\\boxed{{{gold}}}", parsing_timeout=None)
    return bool(math_verify.verify(wanted, found, timeout_seconds=None))
