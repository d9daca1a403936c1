"""Trajectory preference pairs: of the samples of one problem, right ones against wrong ones.

O1-Journey part 1, DPO stage: sample each question 20 times, split by the answer, draw 5 right and 5 wrong at
random, which gives 5 pairs. Here as there, the i-th right one drawn stands against the i-th wrong one.
Departures: the samples are debates; those that never gave an answer to score stand on neither side; the draw
is by hash, so that it is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import ClassVar, Literal

from pydantic import Field

from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.rows import PreferenceRow, Row, RowMessage
from longthought.synth.derive.shortcut import Shortcut
from longthought.synth.derive.solution import Solution
from longthought.synth.telling.thought_tags import ThoughtTags


class Preference(Derivation):
    """At most ``pairs`` pairs a problem of the kind ``of``, whose options the others are."""

    row: ClassVar[type[Row]] = PreferenceRow

    of: Literal["journey", "shortcut"] = "journey"
    pairs: int = Field(default=5, ge=1)
    seed: int = 0
    tags: ThoughtTags = ThoughtTags()
    phrases: str | None = None

    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped]:
        right: list[tuple[Transcript, str]] = []
        wrong: list[tuple[Transcript, str]] = []
        for transcript in samples:
            outcome = transcript.outcome
            side = right if outcome.is_right else wrong if outcome.is_wrong else None
            if side is None:
                yield Dropped("neither right nor wrong")
                continue
            message = self._solution.message(transcript)
            if isinstance(message, Dropped):
                yield message
            else:
                side.append((transcript, message.text))
        if not (right and wrong):
            yield Dropped("a problem without a right and a wrong sample")
            return
        for (better, chosen), (worse, rejected) in zip(self._draw(right), self._draw(wrong), strict=False):
            prompt: list[RowMessage] = [{"role": "user", "content": better.problem.question}]
            yield PreferenceRow(
                id=f"{better.id}>{worse.epoch}",
                problem=better.problem.id,
                run=better.run,
                outcome=f"{better.outcome.kind}>{worse.outcome.kind}",
                informed=better.informed or worse.informed,
                prompt=prompt,
                chosen=[{"role": "assistant", "content": chosen}],
                rejected=[{"role": "assistant", "content": rejected}],
            )

    @cached_property
    def _solution(self) -> Solution:
        if self.of == "shortcut":
            return Shortcut(solved_only=False, tags=self.tags)
        return Journey(solved_only=False, tags=self.tags, phrases=self.phrases, seed=self.seed)

    def _draw(self, side: list[tuple[Transcript, str]]) -> list[tuple[Transcript, str]]:
        """``pairs`` of them at random, in random order."""

        def lot(sample: tuple[Transcript, str]) -> bytes:
            return blake2b(f"{self.seed}|{sample[0].id}".encode(), digest_size=8).digest()

        return sorted(side, key=lot)[: self.pairs]
