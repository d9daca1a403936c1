"""What shortcut and journey share: one assistant message, the thought first and the answer outside of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from longthought.protocols import outcomes
from longthought.protocols.outcomes import Outcome
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.rows import Row, SftRow
from longthought.synth.telling.masks import Mask, Span, masked_spans
from longthought.synth.telling.pieces import Piece, joined
from longthought.synth.telling.thought_tags import ThoughtTags


@dataclass(frozen=True, slots=True)
class Message:
    """An assistant message and the stretches of it that carry no loss."""

    text: str
    masked: list[Span]


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

    def message(self, transcript: Transcript) -> Message | Dropped:
        """The whole assistant message."""
        answer = final_answer(transcript.outcome)
        if self.solved_only and not transcript.right:
            return Dropped("not solved")
        if answer is None:
            return Dropped("no answer")
        pieces = self.thought(transcript)
        if isinstance(pieces, Dropped):
            return pieces
        end = self.tags.end(answer)
        if (behind := transcript.behind) is not None:
            # What others wrote behind their thought stands there again.
            pieces = [piece for piece in pieces if piece.thought != behind.id]
            answer, end = behind.text, self.tags.end_as_written(behind.text)
        thought = joined(pieces)
        if self.tags.within(thought) or self.tags.within(answer):
            return Dropped("the text holds a thought tag")
        masked = masked_spans(self.tags.open, pieces, end, self.mask)
        text = f"{self.tags.open}{thought}{end}"
        return Dropped("nothing to learn") if masked == [(0, len(text))] else Message(text, masked)

    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped]:
        for transcript in samples:
            message = self.message(transcript)
            if isinstance(message, Dropped):
                yield message
                continue
            yield SftRow(
                id=transcript.id,
                problem=transcript.problem.id,
                run=transcript.run,
                outcome=transcript.outcome.kind,
                informed=transcript.informed,
                messages=[
                    {"role": "user", "content": transcript.problem.question},
                    {"role": "assistant", "content": message.text},
                ],
                trained=[False, True],
                masked=[{"message": 1, "start": start, "end": end} for start, end in message.masked],
            )


def final_answer(outcome: Outcome) -> str | None:
    """What the message says behind the thought: the answer, or what is wrong with the problem."""
    if outcome.kind == outcomes.ILL_POSED and outcome.why:
        return f"the problem is ill-posed: {outcome.why}"
    return outcome.answer
