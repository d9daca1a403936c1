"""How a debate can end. A limit is an outcome, and so is an error: a failed debate is a record, not a crash."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

#: ``limit:<which>`` and ``error:<which>`` carry their detail after the colon.
SOLVED = "solved"
WRONG = "wrong"
UNVERIFIED = "unverified"
ILL_POSED = "ill_posed"
GAVE_UP = "gave_up"

Group = Literal["solved", "wrong", "unverified", "ill_posed", "gave_up", "limit", "error"]


class Outcome(BaseModel):
    """``kind`` is one of the constants above, ``limit:<which>`` or ``error:<which>``; ``why`` may say more."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    answer: str | None = None
    why: str = ""

    @property
    def group(self) -> str:
        """``kind`` without its detail."""
        return self.kind.partition(":")[0]


def limit(which: str, answer: str | None = None) -> Outcome:
    return Outcome(kind=f"limit:{which}", answer=answer)


def error(which: str, why: str) -> Outcome:
    return Outcome(kind=f"error:{which}", why=why[:2000])
