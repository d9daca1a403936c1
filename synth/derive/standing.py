"""Which thoughts stand and which are wrong, as the debate's last word on each has it."""

from __future__ import annotations

from longthought.agents.decisions import Backtrack
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.step_labels import step_labels


def standing(transcript: Transcript) -> dict[int, bool]:
    """The step labels, but a thought that the debate later went back past is wrong: the critic's last word counts."""
    stands = step_labels(transcript)
    for judgement in transcript.judgements:
        if isinstance(judgement.decision, Backtrack):
            left = transcript.path_to(judgement.thought)[judgement.decision.to :]
            stands.update((thought.id, False) for thought in left if thought.id in stands)
    return stands
