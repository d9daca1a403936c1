"""Several rewards as one: their mean, minimum or median, or their vote, and how far they are apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from longthought.agents.at_once import at_once
from longthought.agents.errors import RewardError
from longthought.agents.readings import Reading
from longthought.agents.rewards import tools
from longthought.agents.rewards.contract import Reward
from longthought.agents.thoughts import Path

#: Seconds that an ensemble waits longer than the most patient of its members.
_MARGIN = 5.0
_COMBINE: dict[str, Callable[[Sequence[float]], float]] = {"mean": fmean, "min": min, "median": median}


class EnsembleOptions(BaseModel):
    """Who is in it, and how their readings become one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Names of other rewards of the scenario.
    members: tuple[str, ...] = Field(min_length=1)
    combine: Literal["mean", "min", "median", "vote"] = "mean"
    #: How many have to be read; more than half unless given.
    quorum: int | None = Field(default=None, ge=1)


class Ensemble(Reward):
    """A value, or with ``vote`` the label ``correct`` or ``incorrect``, of the members that could be read.

    ``why`` tells what each member said and their disagreement: largest minus smallest value, or the share of votes
    against the label. Fewer than ``quorum`` that could be read, and a tie of votes, are *unscored*; *missing* if it is
    for members that could not be had.

    The members' readings are journalled one by one, and so is its own. Unless the scenario says otherwise, its timeout
    lets the most patient member finish.

    Raises:
        ValueError: the quorum is larger than the ensemble.
    """

    asks_models = True

    def __init__(
        self,
        members: Sequence[Reward],
        combine: Literal["mean", "min", "median", "vote"] = "mean",
        quorum: int | None = None,
        name: str = "ensemble",
    ) -> None:
        self.name = name
        self._members, self._combine = tuple(members), combine
        self._quorum = len(self._members) // 2 + 1 if quorum is None else quorum
        if not 1 <= self._quorum <= len(self._members):
            raise ValueError(f"a quorum of {self._quorum} is not within its {len(self._members)} members")
        self.uses_gold = any(member.uses_gold for member in self._members)
        self.timeout = max(member.timeout + member.patience for member in self._members) + _MARGIN

    async def read(self, path: Path) -> Reading:
        """The members' readings of ``path`` as one.

        Raises:
            RewardError: too few are there, because some could not be had.
        """
        reading = self._joined(await tools.read_all(self._members, path))
        if reading.missing:
            raise RewardError(reading.why)
        return reading

    async def read_steps(self, path: Path) -> list[Reading]:
        read = await at_once(tools.read_steps(member, path) for member in self._members)
        return [self._joined(readings) for readings in zip(*read, strict=True)]

    def identity(self) -> dict[str, Any]:
        return {
            "reward": self.name,
            "members": [member.identity() for member in self._members],
            "combine": self._combine,
            "quorum": self._quorum,
        }

    async def close(self) -> None:
        for member in self._members:
            await member.close()

    def _joined(self, readings: Sequence[Reading]) -> Reading:
        scores = [reading.score for reading in readings if reading.score is not None]
        said = "; ".join(map(_said, readings))
        if len(scores) < self._quorum:
            why = f"{len(scores)} of {len(readings)} could be read, fewer than {self._quorum}: {said}"
            return Reading(reward=self.name, why=why, missing=any(reading.missing for reading in readings))
        if self._combine == "vote":
            return self._voted(scores, said)
        value = _COMBINE[self._combine](scores)
        apart = max(scores) - min(scores)
        return Reading(reward=self.name, value=min(1.0, value), why=f"{said}; apart {apart:.2f}")

    def _voted(self, scores: Sequence[float], said: str) -> Reading:
        right = sum(score >= 0.5 for score in scores)
        dissent = min(right, len(scores) - right) / len(scores)
        if dissent == 0.5:
            return Reading(reward=self.name, why=f"a tie: {said}")
        label = "correct" if 2 * right > len(scores) else "incorrect"
        return Reading(reward=self.name, label=label, why=f"{said}; dissent {dissent:.2f}")


def _said(reading: Reading) -> str:
    """What a member said, without its reasons."""
    return str(reading.model_copy(update={"why": "missing" if reading.missing else ""}))
