"""Journey SFT: the long thought with its detours, from debates that were solved.

O1-Journey part 1, "journey learning": the whole exploration is the target, wrong branches, reasons and ways
back included. Departures: the order is the debate's own unless ``order: dfs`` asks for the report's depth-first walk
over the finished tree (``telling.depth_first``), and the text is joined by a bank of phrases where O1-Journey has
GPT-4o smooth it; ``rewrites`` takes what a model made of that, where the check let it pass (``synth.rewrite``). A long
thought that others wrote is given back as they wrote it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from pydantic import Field

from longthought.protocols.transcript import WRITTEN, Transcript
from longthought.synth.derive.derivation import Counted, Dropped
from longthought.synth.derive.solution import Solution
from longthought.synth.derive.standing import standing
from longthought.synth.rewrite.rewrites import Rewrites
from longthought.synth.telling.controls import shuffled, unreasoned
from longthought.synth.telling.depth_first import depth_first
from longthought.synth.telling.phrases import load_phrases
from longthought.synth.telling.pieces import Piece, joined
from longthought.synth.telling.verbalise import as_written, verbalise


class Journey(Solution):
    """The debate verbalised."""

    #: A YAML file of phrases like the shipped one.
    phrases: str | None = None
    #: Chooses among the phrases, the children of ``order: dfs`` and the places of ``detours: shuffled``.
    seed: int = 0
    #: A file of `longthought rewrite`: a thought is told as there, if it was kept and its draft is the same.
    rewrites: str | None = None
    order: Literal["debate", "dfs"] = "debate"
    #: Of ``order: dfs``: how many tries off the path each thought on it may have.
    trials: int = Field(default=1, ge=0)
    #: Controls for ablations; see ``telling.controls``.
    detours: Literal["whole", "shuffled", "unreasoned"] = "whole"

    def thought(self, transcript: Transcript) -> list[Piece] | Dropped:
        path = transcript.final_path
        if not path:
            return Dropped("did not end where its answer stands")
        if any(thought.truncated for thought in (transcript.thoughts if self.order == "debate" else path)):
            return Dropped("a truncated thought")
        walk = transcript.walk
        if self.order == "dfs":
            walk = depth_first(transcript, self.trials, self.seed)
        if self.detours == "unreasoned":
            walk = unreasoned(walk)
        lot = f"{self.seed}|{transcript.id}"
        if transcript.protocol == WRITTEN:
            pieces = as_written(walk, standing(transcript))
        else:
            pieces = verbalise(walk, load_phrases(self.phrases), lot, standing(transcript))
        if self.detours == "shuffled":
            return shuffled(pieces, {thought.id for thought in path}, lot)
        return pieces

    def retold(
        self, transcript: Transcript, pieces: list[Piece], answer: str
    ) -> tuple[list[Piece], Counted | None]:
        if self._rewrites is None:
            return pieces, None
        rewritten = self._rewrites.of(transcript.id, pieces, answer)
        if rewritten is None or self.tags.within(joined(rewritten)):
            return pieces, Counted("told as the draft")
        return rewritten, Counted("told as rewritten")

    @cached_property
    def _rewrites(self) -> Rewrites | None:
        return None if self.rewrites is None else Rewrites(self.rewrites)
