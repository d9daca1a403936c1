"""PRM800K (Let's Verify Step by Step): human ratings of steps, with rated alternatives at every position.

Read in both shapes: the published records (``question``, ``label``) and plain trajectories (``problem``, ``steps``). A
trajectory becomes one solution, the steps that the labellers went on from, and one more for every other completion: the
chosen steps before it, without labels since they have theirs already, and the completion. So each rating counts once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import BaseModel, model_validator

from longthought.synth.labelled.record import Label, LabelledSolution

_LABELS: dict[int, Label] = {1: "right", 0: "neutral", -1: "wrong"}


class _Completion(BaseModel):
    text: str
    rating: Literal[-1, 0, 1] | None = None
    error_reason: str | None = None


class Step(BaseModel):
    completions: list[_Completion] | None = None
    human_completion: _Completion | None = None
    chosen_completion: int | None = None
    chosen_text: str | None = None

    @model_validator(mode="after")
    def _one_of_all(self) -> Self:
        count = len(self.all())
        if self.chosen_completion is not None and not 0 <= self.chosen_completion < count:
            raise ValueError(f"`chosen_completion` is {self.chosen_completion}, of {count} completions")
        return self

    def all(self) -> list[_Completion]:
        return [*(self.completions or []), *([self.human_completion] if self.human_completion else [])]

    def chosen(self) -> int | None:
        """Index in ``all`` of the completion that the next step follows."""
        if self.chosen_completion is not None:
            return self.chosen_completion
        if self.human_completion is not None:
            return len(self.all()) - 1
        return next((i for i, c in enumerate(self.all()) if c.text == self.chosen_text), None)


class _Label(BaseModel):
    steps: list[Step]


class _Question(BaseModel):
    problem: str
    ground_truth_answer: str | None = None


class Published(BaseModel):
    """A record as OpenAI published it."""

    question: _Question
    label: _Label


class Trajectory(BaseModel):
    """A record of a regrouped copy."""

    problem: str
    steps: list[Step]


def published(row: object, name: str) -> Iterator[LabelledSolution]:
    """The solutions of a published record. Raises ValidationError for anything else."""
    record = Published.model_validate(row)
    question = record.question
    return _solutions(question.problem, record.label.steps, name, question.ground_truth_answer)


def trajectory(row: object, name: str) -> Iterator[LabelledSolution]:
    """The solutions of a regrouped record. Raises ValidationError for anything else."""
    record = Trajectory.model_validate(row)
    return _solutions(record.problem, record.steps, name)


def _solutions(
    question: str, steps: list[Step], name: str, gold: str | None = None
) -> Iterator[LabelledSolution]:
    trunk: list[_Completion] = []
    others: list[tuple[int, int, _Completion]] = []
    for position, step in enumerate(steps):
        chosen = step.chosen()
        for number, completion in enumerate(step.all()):
            if number != chosen:
                others.append((position, number, completion))
        if chosen is None:  # where the labellers stopped: every completion stands for itself
            break
        trunk.append(step.all()[chosen])
    rated: list[Label | None] = [_label(completion) for completion in trunk]
    if trunk:
        yield LabelledSolution(
            id=name,
            question=question,
            steps=tuple(c.text for c in trunk),
            labels=tuple(rated),
            kinds=tuple(c.error_reason for c in trunk) if any(c.error_reason for c in trunk) else (),
            gold=gold,
        )
    for position, number, completion in others:
        before = trunk[:position]
        nothing = (None,) * len(before)
        yield LabelledSolution(
            id=f"{name}/{position}.{number}",
            question=question,
            steps=(*(c.text for c in before), completion.text),
            labels=(*nothing, _label(completion)),
            kinds=(*nothing, completion.error_reason) if completion.error_reason else (),
            whole=False,
            gold=gold,
        )


def _label(completion: _Completion) -> Label | None:
    return None if completion.rating is None else _LABELS[completion.rating]
