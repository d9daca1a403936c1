"""Answer-only SFT: a question and its answer, without a thought.

The control of every comparison of long thoughts: what a student learns from the same problems if it is shown nothing
but their answers. The answer stands as it does behind a thought, without the thought's tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.rows import Row, SftRow
from longthought.synth.derive.solution import Message, final_answer, solution_row


class AnswerOnly(Derivation):
    """One row for each debate with an answer."""

    row: ClassVar[type[Row]] = SftRow

    #: Leave out debates whose answer, or the contradiction that they name, was not found right.
    solved_only: bool = True
    #: The line, in which ``{answer}`` is the answer; as in the tags of ``shortcut`` and ``journey``.
    answer: str = "Answer: {answer}"

    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped]:
        for transcript in samples:
            answer = final_answer(transcript.outcome)
            if self.solved_only and not transcript.right:
                yield Dropped("not solved")
            elif answer is None:
                yield Dropped("no answer")
            else:
                yield solution_row(transcript, Message(self.answer.replace("{answer}", answer), []))
