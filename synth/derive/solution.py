"""What shortcut and journey share: one assistant message, the thought first and the answer outside of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from longthought.protocols import outcomes
from longthought.protocols.outcomes import Outcome
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Counted, Derivation, Dropped
from longthought.synth.derive.rows import Row, SftRow, origin
from longthought.synth.telling.masks import Mask, Span, masked_spans
from longthought.synth.telling.pieces import Piece, joined
from longthought.synth.telling.thought_tags import ThoughtTags


@dataclass(frozen=True, slots=True)
class Message:
    """An assistant message and the stretches of it that carry no loss."""

    text: str
    masked: list[Span]
    #: What became of the rewrite that was asked for.
    counted: Counted | None = None


class Solution(Derivation):
    """A question and its solution, from one debate each."""

    row: ClassVar[type[Row]] = SftRow

    #: Leave out debates whose answer, or the contradiction that they name, was not found right.
    solved_only: bool = True
    tags: ThoughtTags = ThoughtTags()
    #: What carries loss; see ``telling.masks``.
    mask: Mask = "all"

    @abstractmethod
    def thought(self, transcript: Transcript) -> list[Piece] | Dropped:
        """The thought in pieces, without its tags."""

    def draft(self, transcript: Transcript) -> tuple[list[Piece], str] | Dropped:
        """The thought before anybody retells it, and the answer behind it."""
        answer = final_answer(transcript.outcome)
        if self.solved_only and not transcript.right:
            return Dropped("not solved")
        if answer is None:
            return Dropped("no answer")
        pieces = self.thought(transcript)
        return pieces if isinstance(pieces, Dropped) else (pieces, answer)

    def message(self, transcript: Transcript) -> Message | Dropped:
        """The whole assistant message."""
        draft = self.draft(transcript)
        if isinstance(draft, Dropped):
            return draft
        pieces, counted = self.retold(transcript, *draft)
        message = framed(pieces, transcript, self.tags, self.mask)
        return replace(message, counted=counted) if isinstance(message, Message) else message

    def retold(
        self, transcript: Transcript, pieces: list[Piece], answer: str
    ) -> tuple[list[Piece], Counted | None]:
        """The thought in other words, where such are to be had."""
        return pieces, None

    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped | Counted]:
        for transcript in samples:
            message = self.message(transcript)
            yield message if isinstance(message, Dropped) else solution_row(transcript, message)
            if isinstance(message, Message) and message.counted is not None:
                yield message.counted


def final_answer(outcome: Outcome) -> str | None:
    """What the message says behind the thought: the answer, or what is wrong with the problem."""
    if outcome.kind == outcomes.ILL_POSED and outcome.why:
        return f"the problem is ill-posed: {outcome.why}"
    return outcome.answer


def ending(transcript: Transcript, tags: ThoughtTags) -> str:
    """All of the message behind the thought, its closing tag first. What others wrote there stands there again."""
    if (behind := transcript.behind) is not None:
        return tags.end_as_written(behind.text)
    return tags.end(final_answer(transcript.outcome) or "")


def framed(
    pieces: Sequence[Piece], transcript: Transcript, tags: ThoughtTags, mask: Mask
) -> Message | Dropped:
    """A thought in its tags and the debate's answer behind it."""
    behind = transcript.behind
    inside = [piece for piece in pieces if behind is None or piece.thought != behind.id]
    answer = final_answer(transcript.outcome) or "" if behind is None else behind.text
    thought = joined(inside)
    if tags.within(thought) or tags.within(answer):
        return Dropped("the text holds a thought tag")
    end = ending(transcript, tags)
    masked = masked_spans(tags.open, inside, end, mask)
    text = f"{tags.open}{thought}{end}"
    return Dropped("nothing to learn") if masked == [(0, len(text))] else Message(text, masked)


def solution_row(transcript: Transcript, message: Message, id: str | None = None) -> SftRow:
    """The debate's question and the message; ``id`` is the debate's unless it is given."""
    return SftRow(
        id=id or transcript.id,
        **origin(transcript),
        messages=[
            {"role": "user", "content": transcript.problem.question},
            {"role": "assistant", "content": message.text},
        ],
        trained=[False, True],
        masked=[{"message": 1, "start": start, "end": end} for start, end in message.masked],
    )
