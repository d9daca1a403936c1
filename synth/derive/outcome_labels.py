"""Outcome labels: whole solutions, right or wrong by their final answer, for outcome reward models.

Cobbe et al. (2021, §4.2) label samples of a generator by whether they reach the right answer. Departures: a solution is
the path of a debate's tree that ends in an answer, so an answer that was refused while the debate went on makes one
more solution; and solutions of a problem that read the same are one row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from longthought.agents.thoughts import Thought
from longthought.protocols import outcomes
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.rows import OutcomeRow, Row, origin
from longthought.synth.derive.shortcut import direct_path


class OutcomeLabels(Derivation):
    """One row for each answer of a debate that was scored."""

    row: ClassVar[type[Row]] = OutcomeRow

    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped]:
        seen: set[tuple[str, ...]] = set()
        for transcript in samples:
            found = list(_scored(transcript))
            if not found:
                yield Dropped("no answer that was scored")
            for path, right in found:
                steps = tuple(thought.text for thought in path)
                if any(thought.truncated for thought in path):
                    yield Dropped("a truncated thought")
                elif steps in seen:
                    yield Dropped("same as another solution")
                else:
                    seen.add(steps)
                    yield OutcomeRow(
                        id=f"{transcript.id}/{path[-1].id}",
                        **origin(transcript),
                        prompt=transcript.problem.question,
                        completions=list(steps),
                        answer_right=right,
                    )


def _scored(transcript: Transcript) -> Iterator[tuple[tuple[Thought, ...], bool]]:
    """Paths to answers that the scorer saw, and what it said."""
    for refused in transcript.told_wrong:
        yield transcript.path_to(refused), False
    path = direct_path(transcript)
    scored = {outcomes.SOLVED: True, outcomes.WRONG: False}.get(transcript.outcome.kind)
    if path and scored is not None and path[-1].id not in transcript.told_wrong:
        yield path, scored
