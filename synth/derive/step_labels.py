"""Step labels for process reward models: each path's steps, right or wrong, up to the first wrong one.

Let's Verify Step by Step, §2.4 and appendix: supervision ends at the first wrong step. Departures: the
labels are the critic's decisions and not a human's, but for imported steps that people rated wrong; a
conclusion is wrong when the scorer said so, whatever the critic thought; and a step that nobody judged, or
that was cut at the token limit, ends the path without a label.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate
from longthought.protocols import outcomes
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.refused import refused
from longthought.synth.derive.rows import Row, StepRow, origin


class StepLabels(Derivation):
    """One row per path from the problem to a leaf; paths that share their first wrong step are one row."""

    row: ClassVar[type[Row]] = StepRow

    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped]:
        for transcript in samples:
            if is_debate(transcript):
                yield from _rows(transcript)
            else:
                yield Dropped("not a debate")


def is_debate(transcript: Transcript) -> bool:
    """Whether a critic made the decisions: best-of-n scores an answer without one that ends the work."""
    if transcript.protocol in ("debate", "monologue", "best-of-n"):
        return transcript.protocol != "best-of-n"
    # A plug-in's protocol, or a transcript that does not name it.
    scored = transcript.outcome.kind in (outcomes.SOLVED, outcomes.WRONG, outcomes.UNVERIFIED)
    last = transcript.judgements[-1].decision if transcript.judgements else None
    return not scored or isinstance(last, Terminate)


def _rows(transcript: Transcript) -> Iterator[StepRow | Dropped]:
    labels = step_labels(transcript)
    inner = {thought.parent for thought in transcript.thoughts}
    ends: set[int] = set()
    for leaf in transcript.thoughts:
        if leaf.id in inner:
            continue
        steps: list[str] = []
        right: list[bool] = []
        end = 0
        for thought in transcript.path_to(leaf.id):
            label = labels.get(thought.id)
            if label is None:
                break
            steps.append(thought.text)
            right.append(label)
            end = thought.id
            if not label:
                break
        if not steps:
            yield Dropped("no judged step")
        elif end in ends:
            yield Dropped("same as another path")
        else:
            ends.add(end)
            yield StepRow(
                id=f"{transcript.id}/{end}",
                **origin(transcript),
                prompt=transcript.problem.question,
                completions=steps,
                labels=right,
            )


def step_labels(transcript: Transcript) -> dict[int, bool]:
    """For each thought that has one, whether it is right, by thought id."""
    labels: dict[int, bool] = {}
    wrong = refused(transcript)
    for judgement in transcript.judgements:
        label = _label(judgement.decision)
        if label is not None and not transcript.thoughts[judgement.thought - 1].truncated:
            labels[judgement.thought] = label and judgement.thought not in wrong
    return labels


def _label(decision: Decision) -> bool | None:
    match decision:
        case Continue() | Terminate(reason="solved"):
            return True
        case Backtrack() | Reflect():
            return False
        case _:
            return None
