"""A finished tree as the walk of somebody who searches it depth first.

O1-Journey part 1, §"from reasoning trees to long thought": from the problem to the right leaf; a node on that path may
try children off it first, at most ``trials`` of them; off the path one random child is followed at each node, down to a
leaf, and from there the walk goes back to the path, for the reason that was given for the branch. Departures: the tree
is the one that a debate walked, not one expanded evenly; ``trials`` counts the tries off the path (the report's example
of one wrong and one right try is ``trials: 1``); and random means by hash, the same everywhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect
from longthought.agents.thoughts import Thought, Turn
from longthought.protocols.transcript import Transcript
from longthought.synth.lot import lot


def depth_first(transcript: Transcript, trials: int, seed: int) -> tuple[Turn, ...]:
    """The turns of that walk, which ends where the debate ended; empty where it did not end on a path."""
    turns = {turn.thought.id: turn for turn in transcript.walk}
    children: dict[int, list[Thought]] = {}
    for thought in transcript.thoughts:
        if not thought.truncated:
            children.setdefault(thought.parent, []).append(thought)

    def lots(parent: int, among: Sequence[Thought]) -> list[Thought]:
        return sorted(among, key=lambda thought: lot(seed, f"{transcript.id}|{parent}|{thought.id}"))

    walk: list[Turn] = []
    path = transcript.final_path
    for depth, right in enumerate(path):
        parent, above = right.parent, path[depth - 1] if depth else None
        wrong = [thought for thought in children.get(parent, ()) if thought.id != right.id]
        for first in lots(parent, wrong)[:trials]:
            branch = [first]
            while below := children.get(branch[-1].id):
                branch.append(lots(branch[-1].id, below)[0])
            why = _reason([turns[thought.id] for thought in branch])
            walk += _along(branch, depth, turns, Backtrack(to=depth, why=why), above.text if above else "")
        last = depth + 1 == len(path)
        following = None if last else path[depth + 1]
        walk.append(_passing(turns[right.id], depth + 1, following))
    return tuple(walk)


def _along(
    branch: Sequence[Thought], depth: int, turns: dict[int, Turn], back: Backtrack, at: str
) -> list[Turn]:
    """The turns down a branch, whose last one goes back."""
    walk = [
        _passing(turns[thought.id], depth + number, following)
        for number, (thought, following) in enumerate(itertools.pairwise(branch), start=1)
    ]
    leaf = turns[branch[-1].id]
    return [*walk, Turn(leaf.thought, depth + len(branch), back, leaf.readings, leaf.told_wrong, at)]


def _passing(turn: Turn, depth: int, following: Thought | None) -> Turn:
    """The turn as it is passed on the way to ``following``, or ended with where there is none."""
    decision: Decision | None = turn.decision
    if following is not None:
        asked = isinstance(decision, Reflect) and following.kind == "reflection"
        decision = decision if asked else Continue()
    return Turn(turn.thought, depth, decision, turn.readings, turn.told_wrong and following is not None)


def _reason(branch: Sequence[Turn]) -> str:
    """The last reason that the critic gave on a branch."""
    for turn in reversed(branch):
        if isinstance(turn.decision, Backtrack | Reflect) and turn.decision.why:
            return turn.decision.why
    return ""
