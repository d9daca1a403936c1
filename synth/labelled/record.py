"""A labelled solution: what a reward model or a critic is measured against, and what one is trained on."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from longthought.agents.problems import Problem
from longthought.agents.rewards.answer_text import find_answer
from longthought.agents.thoughts import Path, straight_path

Label = Literal["right", "neutral", "wrong"]


def all_right(steps: int) -> tuple[Label, ...]:
    """The labels of so many right steps."""
    right: Label = "right"
    return (right,) * steps


class LabelledSolution(BaseModel):
    """A question, the steps of a solution, and what is known of each step.

    Attributes:
        labels: one for each step; None where nobody rated it (the given start of an alternative, or what follows the
            first error in data that are labelled only so far).
        kinds: what sort of fault a wrong step is, where the data say; as long as ``labels``, or empty.
        answer_right: whether the final answer is the right one; None where it is not known or there is none.
        whole: the steps are a whole solution, so that judging it as one makes sense; alternatives of PRM800K are not.
        gold: the problem's right answer, for rewards that complete and score solutions.
        metadata: of the problem, for rewards that read it there, as the Countdown rules do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    question: str
    steps: tuple[str, ...]
    labels: tuple[Label | None, ...]
    kinds: tuple[str | None, ...] = ()
    answer_right: bool | None = None
    whole: bool = True
    gold: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_label_each(self) -> Self:
        if not self.steps:
            raise ValueError("a solution without steps")
        if len(self.labels) != len(self.steps):
            raise ValueError(f"{len(self.steps)} steps, but {len(self.labels)} labels")
        if self.kinds and len(self.kinds) != len(self.steps):
            raise ValueError(f"{len(self.steps)} steps, but {len(self.kinds)} kinds")
        return self

    def path(self) -> Path:
        """As a debate would show it: all steps but the last continued, and that a conclusion if it states an answer."""
        problem = Problem(id=self.id, question=self.question, gold=self.gold, metadata=self.metadata)
        return straight_path(problem, self.steps, find_answer(self.steps[-1]))

    @property
    def first_error(self) -> int | None:
        """Index of the first wrong step, or None when no step is known to be wrong."""
        return next((i for i, label in enumerate(self.labels) if label == "wrong"), None)
