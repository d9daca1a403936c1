"""Which debates are taken in, and as what: what exports, rewriters and their like look at before anything else."""

from __future__ import annotations

from typing import Literal

from longthought.protocols.transcript import Transcript
from longthought.synth.derive.neutral import neutralised, spells_special
from longthought.synth.imports.whole_reply import taken_apart

Refusal = Literal["informed", "suspect"]


def taken_in(transcript: Transcript, *, informed: bool, suspects: bool) -> Transcript | Refusal:
    """The debate with its special tokens made text, or why it is left out.

    Args:
        informed: take in what was written with the answer, or its correctness, in the context.
        suspects: take in what looks like an injection.
    """
    transcript = taken_apart(transcript)
    if transcript.informed and not informed:
        return "informed"
    if not suspects and transcript.suspect_injection:
        return "suspect"
    return neutralised(transcript) if spells_special(transcript) else transcript
