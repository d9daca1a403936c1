"""What a debate may spend. Running out is an outcome (``limit:<which>``), never an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field


class Budget(BaseModel):
    """Limits of one debate; None is no limit.

    Tokens count both seats, seconds are wall time, cost is in the price list's currency.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    turns: int = Field(default=24, ge=1)
    depth: int = Field(default=16, ge=1)
    backtracks: int | None = Field(default=None, ge=0)
    tokens_in: int | None = Field(default=None, ge=1)
    tokens_out: int | None = Field(default=None, ge=1)
    cost: float | None = Field(default=None, gt=0)
    seconds: float | None = Field(default=None, gt=0)
    #: Proposals that repeat a child already there, after they were asked for again.
    repeats: int = Field(default=6, ge=0)
    #: From this share of any limit on, the policy is asked to conclude; 1.0 never asks.
    conclude_at: float = Field(default=0.9, gt=0, le=1)

    def exceeded(self, spent: Spent) -> str | None:
        """The name of the first limit that is used up."""
        return next((name for name, share in self._shares(spent) if share >= 1), None)

    def nearly(self, spent: Spent) -> bool:
        """Whether the policy should conclude now."""
        return self.conclude_at < 1 and any(share >= self.conclude_at for _, share in self._shares(spent))

    def _shares(self, spent: Spent) -> Iterator[tuple[str, float]]:
        yield "turns", spent.turns / self.turns
        yield "depth", spent.depth / self.depth
        if self.backtracks is not None:
            # n backtracks are allowed, the one after them is not.
            yield "backtracks", spent.backtracks / (self.backtracks + 1)
        yield "repeats", spent.repeats / (self.repeats + 1)
        if self.tokens_in is not None:
            yield "tokens_in", spent.tokens_in / self.tokens_in
        if self.tokens_out is not None:
            yield "tokens_out", spent.tokens_out / self.tokens_out
        if self.cost is not None:
            yield "cost", spent.cost / self.cost
        if self.seconds is not None:
            yield "seconds", spent.seconds / self.seconds


@dataclass(frozen=True, slots=True)
class Price:
    """What a seat's tokens cost, per million."""

    prompt: float = 0.0
    completion: float = 0.0


@dataclass(slots=True)
class Spent:
    """What a debate has spent so far, in the units of ``Budget``."""

    turns: int = 0
    depth: int = 0
    backtracks: int = 0
    repeats: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    seconds: float = 0.0
