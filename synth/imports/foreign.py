"""What a row of somebody else's says: a long thought, or the steps of a solution with what was tried beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: A longer text in a column that no format names is no fact about the problem.
_LONGEST_FACT = 200


class Foreign(BaseModel):
    """What both have.

    Attributes:
        gold: the right answer, where the row gives it.
        right: whether the answer was found right by whoever made the row; None where they do not say.
        metadata: what else the row says of the problem.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str = Field(min_length=1)
    gold: str | None = None
    right: bool | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class LongThought(Foreign):
    """One text of thought.

    Attributes:
        thought: without the tags around it; empty where it was cut before its first word.
        behind: the solution or answer that stands behind the thought; None where the text has no such part.
        finished: the thought came to its end.
        whole: and so did what is behind it.
    """

    thought: str
    behind: str | None = None
    finished: bool = True
    whole: bool = True

    @model_validator(mode="after")
    def _something_in_it(self) -> Self:
        if self.finished and not self.thought.strip():
            raise ValueError("an empty thought")
        return self


class Try(BaseModel):
    """A step, and what is known of it. ``value``: in [0, 1], how likely a solution ends right from here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(min_length=1)
    rating: str | None = None
    value: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    why: str = ""


class Fork(BaseModel):
    """One place on the way: the wrong steps that were tried there, and the one that was gone on from, if any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wrong: tuple[Try, ...] = ()
    chosen: Try | None = None


class StepTree(Foreign):
    """A solution step by step. ``answer`` is what it states in the end, where that is known apart from its text."""

    forks: tuple[Fork, ...] = Field(min_length=1)
    answer: str | None = None


def facts(row: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    """The columns that no format knows and that hold a number, a flag or a short text; and the worked solution."""
    found = {
        key: value
        for key, value in row.items()
        if key not in known
        and (isinstance(value, int | float) or (isinstance(value, str) and 0 < len(value) <= _LONGEST_FACT))
    }
    solution = row.get("solution")
    if isinstance(solution, str) and solution and "solution" not in known:
        found["solution"] = solution
    return found


def gold_of(row: Mapping[str, Any], names: Sequence[str]) -> tuple[str, str] | None:
    """The first of these columns that holds an answer, as a text or a number, and the answer."""
    for name in names:
        value: object = row.get(name)
        if isinstance(value, str) and value:
            return name, value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return name, str(value)
    return None
