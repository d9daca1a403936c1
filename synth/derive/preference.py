"""Trajectory preference pairs: of the samples of one problem, right ones against wrong ones.

``by: random`` is O1-Journey's way (part 1, DPO stage): sample each question 20 times, split by the answer, draw 5
right and 5 wrong at random, which gives 5 pairs. Here as there, the i-th right one drawn stands against the i-th wrong
one. ``by: perplexity`` is STILL-2's (Min et al. 2024, arXiv 2412.09413, self-improvement by DPO): the right samples
that the model finds most perplexing against the wrong ones that it finds least so; with ``part: thought`` only the
thoughts are aligned, as there. Departures: the samples are debates; those that never gave an answer to score stand on
neither side; the draw is by hash, so that it is the same everywhere. STILL-2 adds an SFT term, which is the trainer's
``sft_weight``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import PreferenceRow, Row, origin
from longthought.synth.derive.solution import ending
from longthought.synth.derive.told import Told
from longthought.synth.lot import lot

#: A sample, its side of a pair, and what it is ranked by, if by anything but chance.
_Sample = tuple[Transcript, str, float]


class Preference(Told):
    """At most ``pairs`` pairs a problem."""

    row: ClassVar[type[Row]] = PreferenceRow

    pairs: int = Field(default=5, ge=1)
    by: Literal["random", "perplexity"] = "random"
    #: Where the values for ``by: perplexity`` stand; see ``synth.perplexities``.
    perplexities: str | None = None
    #: ``thought``: the sides are the thoughts alone; neither the answer nor an end is learned.
    part: Literal["whole", "thought"] = "whole"

    @model_validator(mode="after")
    def _has_values(self) -> Self:
        if (self.by == "perplexity") != (self.perplexities is not None):
            raise ValueError("`by: perplexity` and `perplexities: FILE` go together")
        return self

    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped]:
        right: list[_Sample] = []
        wrong: list[_Sample] = []
        for transcript, message in self.told(samples):
            if isinstance(message, Dropped):
                yield message
                continue
            value = self.perplexity(transcript, self.perplexities) if self.perplexities else 0.0
            if value is None:
                yield Dropped("no perplexity")
            elif transcript.outcome.is_right:
                right.append((transcript, message.text, -value))
            else:
                wrong.append((transcript, message.text, value))
        if not (right and wrong):
            yield Dropped("a problem without a right and a wrong sample")
            return
        for (better, chosen, _), (worse, rejected, _) in zip(
            self._draw(right), self._draw(wrong), strict=False
        ):
            yield self._pair(better, chosen, worse, rejected)

    def _pair(
        self, better: Transcript, chosen: str, worse: Transcript, rejected: str
    ) -> PreferenceRow | Dropped:
        whole = self.part == "whole"
        sides = (
            (chosen, rejected) if whole else (self._thought(better, chosen), self._thought(worse, rejected))
        )
        if sides[0] == sides[1]:
            return Dropped("both sides read the same")
        both = origin(better)
        both["outcome"] += f">{worse.outcome.kind}"
        both["informed"] |= worse.informed
        return PreferenceRow(
            id=f"{better.id}>{worse.epoch}",
            **both,
            prompt=[{"role": "user", "content": better.problem.question}],
            chosen=[{"role": "assistant", "content": sides[0]}],
            rejected=[{"role": "assistant", "content": sides[1]}],
            chosen_finished=whole,
            rejected_finished=whole,
        )

    def _thought(self, transcript: Transcript, text: str) -> str:
        """The message up to where the thought ends."""
        return text.removesuffix(ending(transcript, self.tags))

    def _draw(self, side: list[_Sample]) -> list[_Sample]:
        """``pairs`` of them: those that rank first, equals in random order."""
        return sorted(side, key=lambda sample: (sample[2], lot(self.seed, sample[0].id)))[: self.pairs]
