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
    """``kind`` is one of the constants above, ``limit:<which>`` or ``error:<which>``; ``why`` may say more.

    ``right``: of an ``ill_posed`` end, whether it names what is wrong with the problem; None where nobody can tell.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    answer: str | None = None
    why: str = ""
    right: bool | None = None

    @property
    def is_right(self) -> bool:
        """The debate ended as it should: with the right answer, or with what is wrong with the problem."""
        return self.kind == SOLVED or (self.kind == ILL_POSED and self.right is True)

    @property
    def is_wrong(self) -> bool:
        """What it ended with was refused."""
        return self.kind == WRONG or (self.kind == ILL_POSED and self.right is False)

    @property
    def told(self) -> str:
        """``kind``, and for a scored ``ill_posed`` whether it is right."""
        return self.kind if self.right is None else f"{self.kind} ({'right' if self.right else 'wrong'})"

    @property
    def group(self) -> str:
        """``kind`` without its detail."""
        return self.kind.partition(":")[0]


def limit(which: str, answer: str | None = None) -> Outcome:
    return Outcome(kind=f"limit:{which}", answer=answer)


def error(which: str, why: str) -> Outcome:
    return Outcome(kind=f"error:{which}", why=why[:2000])
