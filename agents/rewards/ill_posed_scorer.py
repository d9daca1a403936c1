"""Scores both ends of a debate on a problem that may be ill-posed: an answer, or what is wrong with it."""

from __future__ import annotations

from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Scorer
from longthought.agents.rewards.ill_posed import ill_posed_of, same_contradiction
from longthought.agents.rewards.ill_posed_judge import IllPosedJudge


class IllPosedScorer(Scorer):
    """The scorer of the answers, to which an ill-posed problem has none, and the rule on contradictions.

    Where the rule is not sure the ``judge`` is asked; without one the reading is unscored.
    """

    uses_gold = True

    def __init__(self, answers: Scorer, judge: IllPosedJudge | None = None) -> None:
        self.name = answers.name
        self._answers, self._judge = answers, judge
        self.prompts = {**answers.prompts, **(judge.prompts if judge else {})}

    def extract(self, text: str) -> str | None:
        return self._answers.extract(text)

    async def score(self, answer: str, problem: Problem) -> Reading:
        if ill_posed_of(problem):
            return Reading(reward=self.name, value=0.0, why="the problem is ill-posed")
        return await self._answers.score(answer, problem)

    async def score_ill_posed(self, said: str, problem: Problem) -> Reading | None:
        known = ill_posed_of(problem)
        if known is None:
            return None
        if not known:
            return Reading(reward=self.name, value=0.0, why="the problem can be solved")
        if problem.gold is None:
            return Reading(reward=self.name, why="nothing says what is wrong with the problem")
        verdict = same_contradiction(said, problem.gold, problem.question)
        if verdict == "right":
            return Reading(reward=self.name, value=1.0)
        if verdict == "wrong":
            return Reading(reward=self.name, value=0.0, why="it names something else")
        if self._judge is None:
            return Reading(reward=self.name, why="the rule is not sure, and no judge is named")
        return await self._judge.read(said, problem)

    async def close(self) -> None:
        await self._answers.close()
