"""Scorers by the name that problems carry."""

from __future__ import annotations

from difflib import get_close_matches

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.answer_text import find_answer
from longthought.agents.rewards.contract import Scorer
from longthought.agents.rewards.countdown_scorer import CountdownScorer
from longthought.agents.rewards.exact_scorer import ExactScorer
from longthought.agents.rewards.math_verify_scorer import MathVerifyScorer
from longthought.agents.rewards.multiple_choice_scorer import MultipleChoiceScorer
from longthought.agents.rewards.reasoning_gym_scorer import ReasoningGymScorer

#: Runs code that models wrote, so nobody gets it who has not asked for that.
UNIT_TESTS = "unit-tests"
SCORER_NAMES = (
    "none",
    "exact",
    "math-verify",
    "multiple-choice",
    "countdown",
    "reasoning-gym:TASK",
    UNIT_TESTS,
)


class NoScorer(Scorer):
    """For problems that nobody can check: finds answers and leaves them unscored."""

    name = "none"
    uses_gold = False

    def extract(self, text: str) -> str | None:
        return find_answer(text)

    async def score(self, answer: str, problem: Problem) -> Reading:
        return Reading(reward=self.name, why="the problem names no scorer")


def scorer_named(name: str) -> Scorer:
    """The scorer that a problem's ``scorer`` field names.

    Raises:
        UsageError: there is no such scorer, or it cannot work here.
    """
    match name.partition(":"):
        case ("none", "", ""):
            return NoScorer()
        case ("exact", "", ""):
            return ExactScorer()
        case ("math-verify", "", ""):
            return MathVerifyScorer()
        case ("multiple-choice", "", ""):
            return MultipleChoiceScorer()
        case ("countdown", "", ""):
            return CountdownScorer()
        case ("unit-tests", "", ""):
            from longthought.agents.rewards.unit_tests_scorer import UnitTestsScorer

            return UnitTestsScorer()
        case ("reasoning-gym", ":", task) if task:
            return ReasoningGymScorer(task)
        case _:
            near = get_close_matches(name, SCORER_NAMES, n=1)
            hint = f", did you mean {near[0]}?" if near else ""
            raise UsageError(f"scorer: there is no scorer {name!r}{hint} Known: {', '.join(SCORER_NAMES)}")
