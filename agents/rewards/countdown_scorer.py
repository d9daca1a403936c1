"""Answers to number puzzles, checked exactly against numbers and target, in this process."""

from __future__ import annotations

from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.answer_text import find_answer
from longthought.agents.rewards.contract import Scorer
from longthought.agents.rewards.countdown import check_expression, puzzle_of


class CountdownScorer(Scorer):
    """For Countdown and the game of 24: needs ``numbers`` and ``target`` in the problem's metadata."""

    name = "countdown"
    uses_gold = False

    def extract(self, text: str) -> str | None:
        return find_answer(text)

    async def score(self, answer: str, problem: Problem) -> Reading:
        puzzle = puzzle_of(problem)
        if puzzle is None:
            return Reading(reward=self.name, why="the problem's metadata hold no numbers and target")
        check = check_expression(answer, puzzle.numbers, puzzle.target)
        return Reading(reward=self.name, value=1.0 if check.ok else 0.0, why=check.why)
