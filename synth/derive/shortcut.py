"""Shortcut SFT: the direct path from the problem to the conclusion, without the detours.

O1-Journey part 1, "tree → long thought", first step: the shortcut is the root → correct leaf path.
Departures: the path is the one on which the debate ended, not every path to a right leaf, for only that leaf
was scored; and it stands in the same tags as a journey, so that the two can be compared with nothing else
changed.
"""

from __future__ import annotations

from longthought.agents.thoughts import Thought
from longthought.protocols import outcomes
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.solution import Solution
from longthought.synth.derive.standing import standing
from longthought.synth.derive.step_labels import is_debate
from longthought.synth.telling.pieces import Piece


class Shortcut(Solution):
    """The steps of the final path, one after the other; then what is wrong with the problem, if that was the end."""

    def thought(self, transcript: Transcript) -> list[Piece] | Dropped:
        path = direct_path(transcript)
        if not path:
            return Dropped("no path to the answer")
        if any(thought.truncated for thought in path):
            return Dropped("a truncated thought")
        ill_posed = transcript.outcome.kind == outcomes.ILL_POSED
        # Where nobody judged, the scorer has the only word.
        stands = standing(transcript) if is_debate(transcript) else {thought.id: True for thought in path}
        pieces = [
            Piece(thought.text, "thought", thought.id, stands=stands.get(thought.id, False))
            for thought in path
            # An answer that the critic let pass for a contradiction is a detour like any other.
            if not (ill_posed and thought.answer is not None)
        ]
        if ill_posed:
            why = transcript.outcome.why or ""
            said = f"This problem cannot be solved as it stands: {why}"
            pieces.append(Piece(said, "end", path[-1].id, stands=True, why=why))
        return pieces


def direct_path(transcript: Transcript) -> tuple[Thought, ...]:
    """The thoughts from the problem (left out) to the scored answer; empty when none stands in the tree.

    A debate ends on that path. Best-of-n goes back to the problem after every sample, so there it is the
    last branch with that answer.
    """
    path = transcript.final_path
    if path:
        return path
    answer = transcript.outcome.answer
    for thought in reversed(transcript.thoughts):
        if answer is not None and thought.answer == answer:
            return transcript.path_to(thought.id)
    return ()
