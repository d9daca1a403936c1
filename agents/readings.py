"""What a reward model said of a thought; *unscored* is a value of its own and never 0."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: Labels that say whether a thought is right; others are a reward's own.
_SCORES = {"correct": 1.0, "right": 1.0, "incorrect": 0.0, "wrong": 0.0}

#: What the name of a panel member's vote begins with.
VOTE = "panel/"


class Reading(BaseModel):
    """One reward's reading of one path.

    Exactly one of three holds: ``value`` in [0, 1], a ``label``, or neither, which is *unscored* (then ``why`` says
    what kept the reward from reading).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reward: str
    value: float | None = Field(default=None, ge=0.0, le=1.0, allow_inf_nan=False)
    label: str | None = None
    why: str = ""
    #: The reward could not be had: down, too slow, or failing. There was something to read.
    missing: bool = False
    #: What the label ``neutral`` counts as, where its reward was told; None is neither.
    neutral: Literal["right", "wrong"] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.value is not None and self.label is not None:
            raise ValueError("a reading is a value or a label, not both")
        if self.missing and not self.unscored:
            raise ValueError("a reading that is missing has neither value nor label")
        if self.neutral is not None and self.label != "neutral":
            raise ValueError("only the label 'neutral' is told what it counts as")
        return self

    @property
    def is_vote(self) -> bool:
        """It is what a member of a panel decided (``seats.panel``), and no reward's reading; no seat is shown it."""
        return self.reward.startswith(VOTE)

    @property
    def unscored(self) -> bool:
        return self.value is None and self.label is None

    @property
    def score(self) -> float | None:
        """How right it says the thought is: its value, or 1 or 0 for a label that says or is told so; else None."""
        return self.value if self.label is None else _SCORES.get(self.neutral or self.label)

    def __str__(self) -> str:
        said = "unscored" if self.unscored else self.label if self.label is not None else f"{self.value:.2f}"
        return f"{self.reward}: {said}" + (f" ({self.why})" if self.why else "")
