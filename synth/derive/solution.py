"""What shortcut and journey share: one assistant message, the thought first and the answer outside of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from longthought.protocols import outcomes
from longthought.protocols.outcomes import Outcome
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.rows import Row, SftRow
from longthought.synth.telling.thought_tags import ThoughtTags


class Solution(Derivation):
    """A question and its solution, from one debate each."""

    row: ClassVar[type[Row]] = SftRow

    #: Leave out debates whose answer, or the contradiction that they name, was not found right.
    solved_only: bool = True
    tags: ThoughtTags = ThoughtTags()

    @abstractmethod
    def thought(self, transcript: Transcript) -> str | Dropped:
        """The thought without its tags."""

    def text(self, transcript: Transcript) -> str | Dropped:
        """The whole assistant message."""
        answer = final_answer(transcript.outcome)
        if self.solved_only and not transcript.right:
            return Dropped("not solved")
        if answer is None:
            return Dropped("no answer")
        thought = self.thought(transcript)
        if isinstance(thought, Dropped):
            return thought
        if self.tags.within(thought) or self.tags.within(answer):
            return Dropped("the text holds a thought tag")
        return self.tags.wrap(thought, answer)

    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped]:
        for transcript in samples:
            text = self.text(transcript)
            if isinstance(text, Dropped):
                yield text
                continue
            yield SftRow(
                id=transcript.id,
                problem=transcript.problem.id,
                run=transcript.run,
                outcome=transcript.outcome.kind,
                informed=transcript.informed,
                messages=[
                    {"role": "user", "content": transcript.problem.question},
                    {"role": "assistant", "content": text},
                ],
                trained=[False, True],
            )


def final_answer(outcome: Outcome) -> str | None:
    """What the message says behind the thought: the answer, or what is wrong with the problem."""
    if outcome.kind == outcomes.ILL_POSED and outcome.why:
        return f"the problem is ill-posed: {outcome.why}"
    return outcome.answer
