"""Critique rows: a question and a solution → what is right and wrong with it, step by step, and a verdict at the end.

Critique Fine-Tuning (Wang et al. 2025, arXiv 2501.17703): a model learns to criticise noisy solutions in place of
imitating right ones. There the critiques are a strong model's, right or not. Departures: here they say only what the
debate's tree bears out afterwards (``hindsight``), each wrong step with the critic's reason, so nothing is said of a
step of which it is not known; the solution is a path of the tree, reflections left out, shown up to the thought at
which the debate turned back; and a critique ends at the first wrong step, as supervision does in Let's Verify Step by
Step (§2.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from longthought.agents.decisions import Backtrack, Decision
from longthought.agents.thoughts import Thought
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.hindsight import hindsight
from longthought.synth.derive.refused import rated_wrong
from longthought.synth.derive.rows import Row, SftRow, origin
from longthought.synth.derive.step_labels import is_debate


class Critique(Derivation):
    """One row for a solution that ended right, and one for each way that turned out wrong."""

    row: ClassVar[type[Row]] = SftRow

    #: What the question and the solution are followed by.
    ask: str = "Is this solution right? Go through its steps, then give your verdict."
    #: The last line of a critique.
    right: str = "Verdict: right"
    wrong: str = "Verdict: wrong"

    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped]:
        for transcript in samples:
            if not is_debate(transcript):
                yield Dropped("not a debate")
                continue
            known = hindsight(transcript)
            solutions = list(_solutions(transcript, known))
            if not solutions:
                yield Dropped("nothing that the tree bears out")
            for end, path in solutions:
                yield self._row(transcript, known, end, path)

    def _row(
        self, transcript: Transcript, known: Mapping[int, Decision], end: int, path: Sequence[Thought]
    ) -> SftRow | Dropped:
        if any(thought.truncated for thought in path):
            return Dropped("a truncated thought")
        # The thought that decides is a step even where it was written as a reflection.
        steps = [thought for thought in path if thought.kind != "reflection" or thought.id == end]
        shown = "\n".join(f"Step {number}: {step.text}" for number, step in enumerate(steps, start=1))
        said, right = _critique(steps, known)
        return SftRow(
            id=f"{transcript.id}/{end}",
            **origin(transcript),
            messages=[
                {"role": "user", "content": f"{transcript.problem.question}\n\n{shown}\n\n{self.ask}"},
                {"role": "assistant", "content": "\n".join([*said, self.right if right else self.wrong])},
            ],
            trained=[False, True],
        )


def _critique(steps: Sequence[Thought], known: Mapping[int, Decision]) -> tuple[list[str], bool]:
    """What is known of each step, up to the first wrong one, and whether there was none."""
    said: list[str] = []
    for number, step in enumerate(steps, start=1):
        deserved = known.get(step.id)
        if isinstance(deserved, Backtrack):
            return [*said, f"Step {number} is wrong: {_sentence(deserved.why)}"], False
        if deserved is not None:
            said.append(f"Step {number} is right.")
    return said, True


def _sentence(why: str) -> str:
    return why if why[-1:] in ".!?…" else f"{why}."


def _solutions(
    transcript: Transcript, known: Mapping[int, Decision]
) -> Iterator[tuple[int, Sequence[Thought]]]:
    """Paths to criticise, each with the thought that decides its verdict."""
    for thought, deserved in known.items():
        if isinstance(deserved, Backtrack):
            yield thought, transcript.path_to(_left_at(transcript, thought, deserved))
    path = transcript.final_path
    # A wrong end stands among the ways that turned out wrong, an ill-posed one is no solution.
    # And of one with a step that people rated wrong nobody said that it is right.
    whole = not rated_wrong(transcript) & {thought.id for thought in path}
    if transcript.right and whole and path and path[-1].answer is not None and path[-1].id in known:
        yield path[-1].id, path


def _left_at(transcript: Transcript, thought: int, deserved: Backtrack) -> int:
    """The thought at which the debate turned back to before ``thought``; itself where it was the scorer's word."""
    left = thought
    for judgement in transcript.judgements:
        decision = judgement.decision
        if isinstance(decision, Backtrack) and decision.to == deserved.to:
            path = transcript.path_to(judgement.thought)
            if any(step.id == thought for step in path):
                left = judgement.thought
    return left
