"""Formats with one solution a record: Math-Shepherd, ProcessBench, MR-GSM8K, GSM8K, and TRL's stepwise rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, Field

from longthought.synth.labelled.record import Label, LabelledSolution, all_right

#: Math-Shepherd's step tag, two Cyrillic letters.
STEP_TAG = "ки"
_CALCULATOR = re.compile(r"<<[^<>]*>>")
_STEP = re.compile(r"(?:^|\s)Step \d+: ")


class _MathShepherd(BaseModel):
    input: str
    label: str


def math_shepherd(row: object, name: str) -> Iterator[LabelledSolution]:
    """``input`` holds question and steps with the tag at each end, ``label`` the same text with + or − in its place.

    Raises:
        ValueError: the two do not fit together.
    """
    record = _MathShepherd.model_validate(row)
    parts = record.input.split(STEP_TAG)
    *stepped, tail = parts
    if not stepped or tail.strip():
        raise ValueError(f"the input does not end in the step tag {STEP_TAG}")
    labels: list[Label | None] = []
    at = 0
    for part in stepped:
        if record.label[at : at + len(part)] != part:
            raise ValueError(f"step {len(labels) + 1} of `label` is not that of `input`")
        at += len(part)
        mark = record.label[at : at + 1]
        if mark not in ("+", "-"):
            raise ValueError(f"step {len(labels) + 1} of `label` ends in {mark!r}, not in + or -")
        labels.append("right" if mark == "+" else "wrong")
        at += 1
    first = _STEP.search(stepped[0])
    if first is None:
        raise ValueError("no `Step 1: ` tells the question from the solution")
    question = stepped[0][: first.start()].strip()
    steps = (stepped[0][first.start() :], *stepped[1:])
    yield LabelledSolution(
        id=name,
        question=question,
        steps=tuple(_STEP.sub("", step, count=1).strip() for step in steps),
        labels=tuple(labels),
    )


class _ProcessBench(BaseModel):
    id: str | None = None
    problem: str
    steps: list[str]
    label: int = Field(ge=-1)
    final_answer_correct: bool | None = None


def process_bench(row: object, name: str) -> Iterator[LabelledSolution]:
    """``label`` is the index of the first wrong step, −1 where there is none; what follows it is not labelled."""
    record = _ProcessBench.model_validate(row)
    yield LabelledSolution(
        id=record.id or name,
        question=record.problem,
        steps=tuple(record.steps),
        labels=_up_to(record.label if record.label >= 0 else None, len(record.steps)),
        answer_right=record.final_answer_correct,
    )


class _MrGsm8k(BaseModel):
    uuid: str | None = None
    question: str
    model_output_steps: list[str]
    model_output_solution_correctness: Literal["correct", "incorrect"] | None = None
    model_output_answer_correctness: Literal["correct", "incorrect"] | None = None
    #: Counted from 1; "N/A" where there is none.
    model_output_solution_first_error_step: int | str | None = None


def mr_gsm8k(row: object, name: str) -> Iterator[LabelledSolution]:
    """The first wrong step is counted from 1 there. Raises ValueError where a wrong solution names none."""
    record = _MrGsm8k.model_validate(row)
    step = str(record.model_output_solution_first_error_step or "").strip()
    first = int(step) - 1 if step.isascii() and step.isdigit() else None
    if record.model_output_solution_correctness == "correct":
        first = None
    elif first is None:
        raise ValueError("a solution that is not correct names no first error step")
    answer = record.model_output_answer_correctness
    yield LabelledSolution(
        id=record.uuid or name,
        question=record.question,
        steps=tuple(record.model_output_steps),
        labels=_up_to(first, len(record.model_output_steps)),
        answer_right=None if answer is None else answer == "correct",
    )


class _Gsm8k(BaseModel):
    question: str
    answer: str


def gsm8k(row: object, name: str) -> Iterator[LabelledSolution]:
    """A worked solution of GSM8K: one right step a line, without the calculator's marks, then the final answer."""
    record = _Gsm8k.model_validate(row)
    worked, found, answer = record.answer.rpartition("####")
    if not found:
        raise ValueError("`answer` has no #### before the final answer")
    lines = [line.strip() for line in _CALCULATOR.sub("", worked).splitlines()]
    steps = (*filter(None, lines), f"The answer is {answer.strip()}")
    yield LabelledSolution(
        id=name,
        question=record.question,
        steps=steps,
        labels=all_right(len(steps)),
        answer_right=True,
        gold=answer.strip(),
    )


class _Stepwise(BaseModel):
    id: str | None = None
    prompt: str
    completions: list[str]
    #: None: only whether the answer is right is known.
    labels: list[bool | Literal["right", "neutral", "wrong"] | None] | None = None
    kinds: list[str | None] = Field(default_factory=list[str | None])
    answer_right: bool | None = None
    whole: bool = True
    gold: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


def stepwise(row: object, name: str) -> Iterator[LabelledSolution]:
    """TRL's ``prompt, completions, labels``; labels may also be null or the words of ``Label``.

    Rows of the kind ``outcome_labels`` have ``answer_right`` in their place.
    """
    record = _Stepwise.model_validate(row)
    labels = [None] * len(record.completions) if record.labels is None else record.labels
    words: dict[bool, Label] = {True: "right", False: "wrong"}
    yield LabelledSolution(
        id=record.id or name,
        question=record.prompt,
        steps=tuple(record.completions),
        labels=tuple(words[label] if isinstance(label, bool) else label for label in labels),
        kinds=tuple(record.kinds),
        answer_right=record.answer_right,
        whole=record.whole,
        gold=record.gold,
        metadata=record.metadata,
    )


def to_stepwise(solution: LabelledSolution) -> dict[str, Any]:
    """The row that ``stepwise`` reads back as the same solution."""
    fields = solution.model_dump(mode="json")
    names = {"question": "prompt", "steps": "completions"}
    return {names.get(name, name): value for name, value in fields.items()}


def _up_to(first_error: int | None, steps: int) -> tuple[Label | None, ...]:
    if first_error is None:
        return all_right(steps)
    if first_error >= steps:
        raise ValueError(f"the first error is said to be step {first_error + 1} of {steps}")
    return (*all_right(first_error), "wrong", *(None,) * (steps - first_error - 1))
