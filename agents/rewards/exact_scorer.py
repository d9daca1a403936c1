"""Answers compared as text, after normalisation."""

from __future__ import annotations

import unicodedata

from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.answer_text import find_answer, gold_answer
from longthought.agents.rewards.contract import Scorer


class ExactScorer(Scorer):
    """Right when answer and gold are equal but for case, white space, Unicode form and a last full stop."""

    name = "exact"

    def extract(self, text: str) -> str | None:
        return find_answer(text)

    async def score(self, answer: str, problem: Problem) -> Reading:
        if problem.gold is None:
            return Reading(reward=self.name, why="the problem has no gold answer")
        right = _normal(answer) == _normal(gold_answer(problem.gold))
        return Reading(reward=self.name, value=1.0 if right else 0.0)


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).removesuffix(".")
