"""The final answer's scorer as a reward."""

from __future__ import annotations

from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward, Scorer
from longthought.agents.thoughts import Path


class AnswerReward(Reward):
    """Reads the answer that stands on the path; unscored while there is none."""

    def __init__(self, scorer: Scorer, name: str = "answer") -> None:
        self.name = name
        self.uses_gold = scorer.uses_gold
        self._scorer = scorer

    async def read(self, path: Path) -> Reading:
        if path.answer is None:
            return Reading(reward=self.name, why="no answer yet")
        reading = await self._scorer.score(path.answer, path.problem)
        return reading.model_copy(update={"reward": self.name})

    async def close(self) -> None:
        await self._scorer.close()
