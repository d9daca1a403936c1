"""reasoning-gym's own scorers, in the killable pool and never with an answer that they would run as code.

Some of its scorers hand the answer to ``parse_expr`` or ``eval``. Which ones is read from the source of the
task's module; those only ever see plain arithmetic, whatever the answer is.
"""

from __future__ import annotations

import inspect
import re
import sys
import warnings
from functools import lru_cache
from importlib import import_module
from typing import Any

from longthought.agents.errors import RewardError
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.answer_text import find_answer
from longthought.agents.rewards.contract import Scorer
from longthought.agents.rewards.countdown import check_expression, puzzle_of
from longthought.agents.rewards.pool import ScoringPool, shared_pool

#: From this score on an answer is right; scorers give less for answers that are nearly right.
RIGHT = 0.999

_WARM = "longthought.agents.rewards.reasoning_gym_warm"
_EVALUATES = re.compile(r"\b(?:parse_expr|eval|exec|sympify|lambdify|parse_latex)\s*\(|\b(?:sympy|sp)\.S\b")
_ARITHMETIC = re.compile(r"[0-9+\-*/(). ]{1,200}")


class ReasoningGymScorer(Scorer):
    """Scores with the ``score_answer`` of a reasoning-gym task.

    The problem's ``metadata["entry"]`` is the generator's entry. Countdown answers are first checked exactly,
    so that the task's float tolerance accepts nothing wrong, and need no gold answer. An answer that a task
    would evaluate, and that is not plain arithmetic, is right if it equals the gold answer, wrong if the gold
    answer is plain arithmetic, and unscored otherwise.
    """

    def __init__(self, task: str, pool: ScoringPool | None = None) -> None:
        self.task = task
        self.name = f"reasoning-gym:{task}"
        self.uses_gold = task != "countdown"
        self._pool = pool

    def extract(self, text: str) -> str | None:
        return find_answer(text)

    async def score(self, answer: str, problem: Problem) -> Reading:
        entry = problem.metadata.get("entry")
        if not isinstance(entry, dict):
            return Reading(reward=self.name, why="the problem's metadata hold no reasoning-gym entry")
        if self.task == "countdown":
            puzzle = puzzle_of(problem)
            if puzzle is None:
                return Reading(reward=self.name, why="the problem's metadata hold no numbers and target")
            check = check_expression(answer, puzzle.numbers, puzzle.target)
            if not check.ok:
                return Reading(reward=self.name, value=0.0, why=check.why)
        try:
            status, value = await (self._pool or shared_pool(_WARM)).run(score, answer, self.task, entry)
        except RewardError as error:
            return Reading(reward=self.name, why=str(error))
        if status == "not arithmetic":
            return Reading(reward=self.name, value=0.0, why="not an arithmetic expression")
        if status == "unsafe":
            return Reading(
                reward=self.name,
                why="the task's scorer would run this answer as code, and it is not the gold answer",
            )
        return Reading(reward=self.name, value=1.0 if value >= RIGHT else min(max(value, 0.0), 1.0))


def score(answer: str, task: str, entry: dict[str, Any]) -> tuple[str, float]:
    """``("scored", score)``, ``("not arithmetic", 0)`` or ``("unsafe", 0)``. For pool workers."""
    gold = entry.get("answer")
    if isinstance(gold, str) and gold.strip() and answer.strip() == gold.strip():
        return "scored", 1.0
    if _evaluates(task) and not is_arithmetic(answer):
        return ("not arithmetic" if isinstance(gold, str) and is_arithmetic(gold) else "unsafe"), 0.0
    return "scored", float(_dataset(task).score_answer(answer=answer, entry=entry))


def is_arithmetic(text: str) -> bool:
    """Whether ``text`` holds nothing but digits, + - * / ( ) . and spaces, and no power."""
    return _ARITHMETIC.fullmatch(text) is not None and "**" not in text and "//" not in text


@lru_cache(maxsize=8)
def _dataset(task: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module("reasoning_gym").create_dataset(task, size=1, seed=0)


@lru_cache(maxsize=8)
def _evaluates(task: str) -> bool:
    modules = {
        cls.__module__ for cls in type(_dataset(task)).__mro__ if cls.__module__.startswith("reasoning_gym")
    }
    return any(_EVALUATES.search(inspect.getsource(sys.modules[module])) for module in modules)
