"""The paths of a run's trees as solutions that nobody has labelled yet."""

from __future__ import annotations

from collections.abc import Iterator

from longthought.protocols import outcomes
from longthought.protocols.transcript import Transcript
from longthought.synth.labelled.record import LabelledSolution


def paths_of(transcript: Transcript) -> Iterator[LabelledSolution]:
    """One solution a leaf, reflections left out, in order of birth; paths that read the same are one.

    Whether the answer is right is known of the path that the debate ended on, if it was scored, and of answers that
    the seats were told are wrong.
    """
    inner = {thought.parent for thought in transcript.thoughts}
    scored = {outcomes.SOLVED: True, outcomes.WRONG: False}.get(transcript.outcome.kind)
    final = transcript.final_path[-1].id if transcript.final_path else 0
    seen: set[tuple[str, ...]] = set()
    for leaf in transcript.thoughts:
        if leaf.id in inner and leaf.id != final:
            continue
        path = transcript.path_to(leaf.id)
        steps = tuple(thought.text for thought in path if thought.kind != "reflection")
        if not steps or steps in seen or leaf.truncated:
            continue
        seen.add(steps)
        told = any(thought.id in transcript.told_wrong for thought in path)
        yield LabelledSolution(
            id=f"{transcript.id}/{leaf.id}",
            question=transcript.problem.question,
            steps=steps,
            labels=(None,) * len(steps),
            answer_right=scored if leaf.id == final else False if told else None,
            gold=transcript.problem.gold,
            metadata=transcript.problem.metadata,
        )
