"""Rejection-sampled SFT: of the right samples of a problem, the few that are worth the most.

Yuan et al. (2023, RFT, arXiv 2308.01825) keep the right samples that differ from each other; STILL-2 (Min et al. 2024)
keeps, of the right ones of a self-improvement round, those of suitable length and perplexity. Departures: difference
is that of the sets of words and not of the lists of equations, and ``most_diverse`` takes one after the other the
sample that is farthest from those it has, from a first one drawn by hash; windows of length are in characters, for a
row has no tokenizer (a corpus has filters by tokens).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import Row, SftRow
from longthought.synth.derive.solution import Message, solution_row
from longthought.synth.derive.told import Told
from longthought.synth.lot import lot
from longthought.synth.telling.masks import Mask

_Pick = Literal["shortest", "longest", "random", "most_diverse", "low_perplexity", "high_perplexity"]


@dataclass(frozen=True, slots=True)
class _Candidate:
    transcript: Transcript
    message: Message
    perplexity: float | None
    lot: bytes


class Rejection(Told):
    """At most ``n`` rows a problem, in the order in which they were picked."""

    row: ClassVar[type[Row]] = SftRow

    pick: _Pick = "random"
    n: int = Field(default=1, ge=1)
    #: Characters of the assistant's message.
    min_length: int = Field(default=0, ge=0)
    max_length: int | None = Field(default=None, ge=1)
    #: Where perplexities stand; see ``synth.perplexities``. Needed to pick by them and for their window.
    perplexities: str | None = None
    min_perplexity: float = Field(default=0.0, ge=0)
    max_perplexity: float | None = Field(default=None, gt=0)
    mask: Mask = "all"

    @model_validator(mode="after")
    def _has_values(self) -> Self:
        asked = self.pick in ("low_perplexity", "high_perplexity")
        if (asked or self.min_perplexity or self.max_perplexity) and self.perplexities is None:
            raise ValueError("`perplexities: FILE` is needed to pick by perplexity or to have a window of it")
        return self

    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped]:
        candidates: list[_Candidate] = []
        for transcript, message in self.told(samples):
            candidate = self._candidate(transcript, message)
            if isinstance(candidate, Dropped):
                yield candidate
            else:
                candidates.append(candidate)
        picked = self._picked(candidates)
        for candidate in picked:
            yield solution_row(candidate.transcript, candidate.message)
        for _ in candidates[len(picked) :]:
            yield Dropped("not picked")

    def _candidate(self, transcript: Transcript, message: Message | Dropped) -> _Candidate | Dropped:
        if isinstance(message, Dropped):
            return message
        if not transcript.right:
            return Dropped("not solved")
        if len(message.text) < self.min_length:
            return Dropped("shorter than the window")
        if self.max_length is not None and len(message.text) > self.max_length:
            return Dropped("longer than the window")
        value = None
        if self.perplexities is not None:
            value = self.perplexity(transcript, self.perplexities)
            if value is None:
                return Dropped("no perplexity")
            if value < self.min_perplexity or (
                self.max_perplexity is not None and value > self.max_perplexity
            ):
                return Dropped("perplexity outside of the window")
        return _Candidate(transcript, message, value, lot(self.seed, transcript.id))

    def _picked(self, candidates: Sequence[_Candidate]) -> list[_Candidate]:
        if self.pick == "most_diverse":
            return _diverse(sorted(candidates, key=lambda one: one.lot), self.n)
        return sorted(candidates, key=lambda one: (self._rank(one), one.lot))[: self.n]

    def _rank(self, candidate: _Candidate) -> float:
        match self.pick:
            case "shortest":
                return len(candidate.message.text)
            case "longest":
                return -len(candidate.message.text)
            case "low_perplexity":
                return candidate.perplexity or 0.0
            case "high_perplexity":
                return -(candidate.perplexity or 0.0)
            case _:
                return 0.0

    @property
    def _mask(self) -> Mask:
        return self.mask


def _diverse(candidates: Sequence[_Candidate], n: int) -> list[_Candidate]:
    """Farthest first: each next one is the one whose nearest neighbour among those picked is farthest away."""
    words = [frozenset(one.message.text.split()) for one in candidates]
    picked: list[int] = []
    nearest = [1.0] * len(candidates)
    while len(picked) < min(n, len(candidates)):
        # The first of equals, which an earlier lot has put there.
        next_ = max((i for i in range(len(candidates)) if i not in picked), key=lambda i: nearest[i])
        picked.append(next_)
        nearest = [
            min(far, 1 - len(mine & words[next_]) / len(mine | words[next_]))
            for far, mine in zip(nearest, words, strict=True)
        ]
    return [candidates[i] for i in picked]
