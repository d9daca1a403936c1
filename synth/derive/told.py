"""What kinds share whose rows are whole solutions, each told as a journey or as a shortcut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal

from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.shortcut import Shortcut
from longthought.synth.derive.solution import Message, Solution
from longthought.synth.perplexities import load_perplexities
from longthought.synth.telling.masks import Mask
from longthought.synth.telling.thought_tags import ThoughtTags


class Told(Derivation):
    """Solutions of the kind ``of``, whose options the others are. ``seed`` also is that of every draw."""

    of: Literal["journey", "shortcut"] = "journey"
    tags: ThoughtTags = ThoughtTags()
    phrases: str | None = None
    seed: int = 0

    def told(self, samples: Sequence[Transcript]) -> Iterator[tuple[Transcript, Message | Dropped]]:
        """The message of each sample that ended right or was refused; of the others why there is none."""
        for transcript in samples:
            if transcript.outcome.is_right or transcript.outcome.is_wrong:
                yield transcript, self._solution.message(transcript)
            else:
                yield transcript, Dropped("neither right nor wrong")

    def perplexity(self, transcript: Transcript, file: str) -> float | None:
        """How perplexed a model is by the thought, as the file says."""
        return load_perplexities(file).of(transcript.id, transcript.run, self.of)

    @cached_property
    def _solution(self) -> Solution:
        if self.of == "shortcut":
            return Shortcut(solved_only=False, tags=self.tags, mask=self._mask)
        return Journey(
            solved_only=False, tags=self.tags, mask=self._mask, phrases=self.phrases, seed=self.seed
        )

    @property
    def _mask(self) -> Mask:
        """What of a message carries loss; kinds that have rows without spans leave it at all of it."""
        return "all"
