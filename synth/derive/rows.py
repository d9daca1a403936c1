"""The rows of a corpus, one type per trainer's format.

Column names keep clear of two sets that `datasets` takes for agent traces and rewrites: {id, source, model,
system_prompt, messages} as a whole, and a `type` column beside `message` or `payload`.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

# pydantic asks for this one below Python 3.12.
from typing_extensions import TypedDict

from longthought.protocols.transcript import Transcript


class RowMessage(TypedDict):
    """One chat message, as chat templates take it."""

    role: Literal["system", "user", "assistant"]
    content: str


class MaskedSpan(TypedDict):
    """Characters of one message, from ``start`` up to ``end``, in code points."""

    message: int
    start: int
    end: int


class Provenance(TypedDict):
    """The columns of a row that say which debate it comes from; see ``Row``."""

    problem: str
    run: str
    outcome: str
    informed: bool


def origin(transcript: Transcript) -> Provenance:
    """These columns of a row of this debate."""
    return {
        "problem": transcript.problem.id,
        "run": transcript.run,
        "outcome": transcript.outcome.kind,
        "informed": transcript.informed,
    }


class Row(BaseModel):
    """What every row says about where it comes from.

    ``id`` is unique within a kind of one run; ``problem`` is the problem's id; ``outcome`` is how the debate
    ended; ``informed``: something in it was written with the answer, or its correctness, in the context.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    problem: str
    run: str
    outcome: str
    informed: bool


class SftRow(Row):
    """TRL's conversational format with the loss mask.

    ``trained`` has one flag per message: whether the loss covers it. ``masked`` lists spans of such messages that
    carry no loss all the same, in order.
    """

    messages: list[RowMessage]
    trained: list[bool]
    masked: list[MaskedSpan] = Field(default_factory=list[MaskedSpan])

    @model_validator(mode="after")
    def _loss_on_assistants_only(self) -> Self:
        if len(self.trained) != len(self.messages):
            raise ValueError(f"{len(self.messages)} messages, but {len(self.trained)} flags in `trained`")
        for message, trained in zip(self.messages, self.trained, strict=True):
            if trained and message["role"] != "assistant":
                raise ValueError(f"a {message['role']} message cannot be trained on")
        reached = (0, 0)
        for span in self.masked:
            at, start, end = span["message"], span["start"], span["end"]
            if not (
                at < len(self.messages)
                and self.trained[at]
                and reached <= (at, start)
                and start < end <= len(self.messages[at]["content"])
            ):
                raise ValueError(
                    f"`masked`: {span} is empty, out of order, or outside of the trained messages"
                )
            reached = (at, end)
        return self


class PreferenceRow(Row):
    """TRL's conversational preference format with an explicit prompt; each side is one message.

    Attributes:
        shared: characters that the two sides begin with and that carry no loss, such as the steps before a fork.
        chosen_finished: the message ends where the assistant's turn ends. If not, the end of the turn, which a chat
            template writes all the same, carries no loss either.
        rejected_finished: the same of the other side.
    """

    prompt: list[RowMessage]
    chosen: list[RowMessage]
    rejected: list[RowMessage]
    shared: int = 0
    chosen_finished: bool = True
    rejected_finished: bool = True

    @model_validator(mode="after")
    def _shared_by_both(self) -> Self:
        one, other = (side[0]["content"] for side in (self.chosen, self.rejected))
        if not (0 <= self.shared <= min(len(one), len(other)) and one.startswith(other[: self.shared])):
            raise ValueError(f"`shared`: the sides do not begin with the same {self.shared} characters")
        return self


class UnpairedRow(Row):
    """TRL's conversational unpaired preference format: ``label`` says whether ``completion`` is good."""

    prompt: list[RowMessage]
    completion: list[RowMessage]
    label: bool


class StepRow(Row):
    """TRL's stepwise supervision format: ``labels[i]`` says whether ``completions[i]`` is right."""

    prompt: str
    completions: list[str]
    labels: list[bool]

    @model_validator(mode="after")
    def _one_label_each(self) -> Self:
        if len(self.labels) != len(self.completions):
            raise ValueError(f"{len(self.completions)} steps, but {len(self.labels)} labels")
        return self


class OutcomeRow(Row):
    """A solution in steps, and whether its final answer is right."""

    prompt: str
    completions: list[str]
    answer_right: bool
