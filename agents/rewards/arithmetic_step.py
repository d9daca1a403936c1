"""The rule checker for arithmetic: does every equation in a step hold?"""

from __future__ import annotations

from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward
from longthought.agents.rewards.equations import equations
from longthought.agents.thoughts import Path


class ArithmeticRule(Reward):
    """Labels the last thought ``incorrect``, with the first equation that fails, or ``correct``; unscored without any.

    It says nothing of whether the right things were calculated.
    """

    name = "arithmetic"

    async def read(self, path: Path) -> Reading:
        if not path.thoughts:
            return Reading(reward=self.name, why="there is no step to read")
        checked = [
            (one, holds) for one in equations(path.thoughts[-1].text) if (holds := one.holds()) is not None
        ]
        if not checked:
            return Reading(reward=self.name, why="no equation")
        failing = next((one for one, holds in checked if not holds), None)
        if failing is not None:
            return Reading(reward=self.name, label="incorrect", why=f"{failing} does not hold")
        return Reading(reward=self.name, label="correct")
