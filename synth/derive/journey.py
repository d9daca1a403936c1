"""Journey SFT: the long thought with its detours, from debates that were solved.

O1-Journey part 1, "journey learning": the whole exploration is the target, wrong branches, reasons and ways
back included. Departures: the order is the debate's, not a depth-first search over a finished tree, and the
text is joined by a bank of phrases where O1-Journey has GPT-4o smooth it. A long thought that others wrote is
given back as they wrote it.
"""

from __future__ import annotations

from longthought.protocols.transcript import WRITTEN, Transcript
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.solution import Solution
from longthought.synth.derive.standing import standing
from longthought.synth.telling.phrases import load_phrases
from longthought.synth.telling.pieces import Piece
from longthought.synth.telling.verbalise import as_written, verbalise


class Journey(Solution):
    """The debate verbalised. ``phrases``: a YAML file like the shipped one; ``seed`` chooses among them."""

    phrases: str | None = None
    seed: int = 0

    def thought(self, transcript: Transcript) -> list[Piece] | Dropped:
        if not transcript.final_path:
            return Dropped("did not end where its answer stands")
        if any(thought.truncated for thought in transcript.thoughts):
            return Dropped("a truncated thought")
        if transcript.protocol == WRITTEN:
            return as_written(transcript.walk(), standing(transcript))
        lot = f"{self.seed}|{transcript.id}"
        return verbalise(transcript.walk(), load_phrases(self.phrases), lot, standing(transcript))
