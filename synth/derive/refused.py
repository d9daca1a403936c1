"""Thoughts that are known to be wrong, whatever the critic said of them."""

from __future__ import annotations

from longthought.protocols import outcomes
from longthought.protocols.transcript import Transcript


def refused(transcript: Transcript) -> set[int]:
    """The ends that the scorer found wrong, and the steps that people rated so."""
    return wrong_ends(transcript) | rated_wrong(transcript)


def wrong_ends(transcript: Transcript) -> set[int]:
    """The thoughts at which the scorer found the answer wrong."""
    found = set(transcript.told_wrong)
    if transcript.outcome.kind == outcomes.WRONG and transcript.final_path:
        found.add(transcript.final_path[-1].id)
    return found


def rated_wrong(transcript: Transcript) -> set[int]:
    """The steps that people rated wrong (``synth.imports``)."""
    return {
        judgement.thought
        for judgement in transcript.judgements
        if any(reading.reward == "rating" and reading.label == "wrong" for reading in judgement.readings)
    }
