"""The critic's four decisions, as a tagged union that survives a JSON round trip."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Reason = Literal["solved", "ill_posed", "give_up"]


class _Decision(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Continue(_Decision):
    """The last thought stands; the next one goes below it."""

    kind: Literal["continue"] = "continue"


class Backtrack(_Decision):
    """Go back to thought number ``to`` of the path (0 is the problem) and try something else there."""

    kind: Literal["backtrack"] = "backtrack"
    to: int = Field(ge=0)
    why: str


class Reflect(_Decision):
    """The policy is to write a reflection on the last thought before anything else happens."""

    kind: Literal["reflect"] = "reflect"
    why: str


class Terminate(_Decision):
    """The debate ends. ``answer`` is the critic's wording of it; None means the one that stands on the path."""

    kind: Literal["terminate"] = "terminate"
    reason: Reason
    answer: str | None = None


Decision = Annotated[Continue | Backtrack | Reflect | Terminate, Field(discriminator="kind")]
