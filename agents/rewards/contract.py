"""Rewards read paths, scorers judge answers; both speak in readings and neither ever turns a failure into a 0."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.thoughts import Path

#: Seconds a reading may take.
READ_TIMEOUT = 60.0


class Reward(ABC):
    """A reward model: a rule, a learned scorer, a judge.

    Attributes:
        name: how scenarios and transcripts call it.
        uses_gold: it looks at the gold answer, so whoever reads it is *informed*.
        asks_models: it reads by asking models, through ``agents.calls.sample``, or other rewards, whose calls are
            journalled one by one.
        prompts: the texts that it asks models with, by part; a changed one makes another run.
        timeout: seconds one reading may take.
        patience: seconds for which a reading that fails is tried again, before the verdict is made without it.
    """

    name: str
    uses_gold: bool = False
    asks_models: bool = False
    prompts: Mapping[str, str] = MappingProxyType({})
    timeout: float = READ_TIMEOUT
    patience: float = 0.0

    @abstractmethod
    async def read(self, path: Path) -> Reading:
        """What it says of the last thought of ``path`` (or of the whole path).

        Raises:
            RewardError: it could not read; the caller notes an unscored reading.
        """

    async def read_steps(self, path: Path) -> list[Reading]:
        """A reading of every step of a straight path. One that scores all steps in one pass does so here.

        Raises:
            RewardError: it could not read.
        """
        return [await self.read(path.prefix(depth)) for depth in range(1, path.depth + 1)]

    def identity(self) -> dict[str, Any]:
        """What makes two rewards the same one, as JSON: of a learned one, a digest of its weights."""
        return {"reward": self.name}

    async def close(self) -> None:
        """Release what it holds. May be called more than once."""


class Scorer(ABC):
    """Extracts an answer from a thought and scores it against a problem.

    Attributes:
        name: the ``scorer`` field of the problems it is for.
        uses_gold: scoring needs ``problem.gold`` (a checker of Countdown expressions does not).
        prompts: the texts of the prompts it asks models with, by part; empty for one that asks none.
    """

    name: str
    uses_gold: bool = True
    prompts: Mapping[str, str] = MappingProxyType({})

    @abstractmethod
    def extract(self, text: str) -> str | None:
        """The final answer that ``text`` states, or None. Pure text work: nothing is evaluated."""

    @abstractmethod
    async def score(self, answer: str, problem: Problem) -> Reading:
        """A reading with value 1.0 (right) … 0.0 (wrong); *unscored* when it cannot be told, with the reason."""

    async def score_ill_posed(self, said: str, problem: Problem) -> Reading | None:
        """Whether ``said`` is what is wrong with the problem: 1.0 or 0.0; *unscored* when that cannot be told.

        None, unless overridden: nobody says of this problem whether it is ill-posed. What is asked of models goes
        through ``agents.calls.sample``.
        """
        return None

    async def close(self) -> None:
        """Release what it holds. May be called more than once."""
