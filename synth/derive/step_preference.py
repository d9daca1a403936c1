"""Step preference pairs: at a fork of the tree the best next step against the worst, the steps before it shared.

Step-DPO (Lai et al. 2024, arXiv 2406.18629): the steps before the first error are the prompt, the wrong step stands
against a right one, and nothing but these two is learned. rStar-Math (Guan et al. 2025, arXiv 2501.04519, §3.3) takes
the children of a node with the highest and the lowest value, the best right ones against the worst wrong ones. Here

    by: label      a right child against a wrong one, as the debate's last word on each has it, and before that what
                   the finished tree shows (``hindsight``), below a prefix in which nothing is wrong; on the way to an
                   answer that was refused nothing is known to be right
    by: reading    the child that a reward reads highest against the one that it reads lowest, at least ``margin``
                   apart; what was not scored, or could not be, is no candidate and never counts as 0

Departures: one pair a fork, where rStar-Math takes two by two; no step is sampled anew for the pair, as Step-DPO does;
of children that rank the same, one is drawn by hash. Reflections are no alternatives to a step, so they stand on no
side. A side that states an answer is finished by it; any other is a step that goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from longthought.agents.decisions import Backtrack
from longthought.agents.thoughts import Thought
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.hindsight import hindsight
from longthought.synth.derive.rows import PreferenceRow, Row, origin
from longthought.synth.derive.standing import standing
from longthought.synth.derive.step_labels import is_debate
from longthought.synth.lot import lot
from longthought.synth.telling.thought_tags import ThoughtTags


class StepPreference(Derivation):
    """At most one pair for each thought, or problem, from which the debate tried more than one step."""

    row: ClassVar[type[Row]] = PreferenceRow

    by: Literal["label", "reading"] = "label"
    #: The reward whose readings count, by its name in the scenario.
    reward: str | None = None
    margin: float = Field(default=0.0, ge=0, le=1)
    tags: ThoughtTags = ThoughtTags()
    seed: int = 0

    @model_validator(mode="after")
    def _has_reward(self) -> Self:
        if (self.by == "reading") != (self.reward is not None):
            raise ValueError("`by: reading` and `reward`, the name of one in the scenario, go together")
        return self

    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped]:
        for transcript in samples:
            if self.by == "label" and not is_debate(transcript):
                yield Dropped("not a debate")
            elif forks := _forks(transcript):
                worth = _labels(transcript) if self.by == "label" else self._readings(transcript)
                for parent, children in forks.items():
                    yield self._pair(transcript, parent, children, worth)
            else:
                yield Dropped("no fork")

    def _pair(
        self, transcript: Transcript, parent: int, children: Sequence[Thought], worth: Mapping[int, float]
    ) -> PreferenceRow | Dropped:
        known = [child for child in children if child.id in worth]
        if len(known) < 2:
            return Dropped("a fork with fewer than two steps to compare")
        low, high = (end(worth[child.id] for child in known) for end in (min, max))
        if self.by == "label" and not low < 0.5 < high:
            return Dropped("a fork without a right and a wrong step")
        if not high - low > 0 or high - low < self.margin:
            return Dropped("a fork whose steps are read as too close")
        best, worst = (
            self._one(transcript, [child for child in known if worth[child.id] == value])
            for value in (high, low)
        )
        prefix = transcript.path_to(parent)
        if any(thought.truncated for thought in prefix):
            return Dropped("a truncated thought")
        if self.by == "label" and any(worth.get(thought.id, 1.0) < 0.5 for thought in prefix):
            return Dropped("a fork below a wrong step")
        if best.text == worst.text:
            return Dropped("a fork whose steps read the same")
        if any(self.tags.within(thought.text) for thought in (*prefix, best, worst)):
            return Dropped("the text holds a thought tag")
        shared = self.tags.open + "".join(f"{thought.text}\n" for thought in prefix)
        return PreferenceRow(
            id=f"{transcript.id}/{best.id}>{worst.id}",
            **origin(transcript),
            prompt=[{"role": "user", "content": transcript.problem.question}],
            chosen=[{"role": "assistant", "content": shared + self._step(best)}],
            rejected=[{"role": "assistant", "content": shared + self._step(worst)}],
            shared=len(shared),
            chosen_finished=best.answer is not None,
            rejected_finished=worst.answer is not None,
        )

    def _one(self, transcript: Transcript, equals: Sequence[Thought]) -> Thought:
        if len(equals) == 1:
            return equals[0]
        return min(equals, key=lambda child: lot(self.seed, f"{transcript.id}/{child.id}"))

    def _step(self, thought: Thought) -> str:
        return thought.text + ("" if thought.answer is None else self.tags.end(thought.answer))

    def _readings(self, transcript: Transcript) -> dict[int, float]:
        """What the reward read of each thought; the last reading, if there are several."""
        return {
            judgement.thought: reading.score
            for judgement in transcript.judgements
            for reading in judgement.readings
            if reading.reward == self.reward and reading.score is not None
        }


def _forks(transcript: Transcript) -> dict[int, list[Thought]]:
    """Thoughts, and 0 for the problem, from which more than one whole step was tried, with these steps."""
    children: dict[int, list[Thought]] = {}
    for thought in transcript.thoughts:
        if thought.kind != "reflection" and not thought.truncated:
            children.setdefault(thought.parent, []).append(thought)
    return {parent: steps for parent, steps in sorted(children.items()) if len(steps) > 1}


def _labels(transcript: Transcript) -> dict[int, float]:
    """1 right and 0 wrong where the finished tree shows it, a quarter off where only the critic's word does."""
    labels = {thought: 0.75 if right else 0.25 for thought, right in standing(transcript).items()}
    if transcript.outcome.is_wrong:
        # Somewhere on the way to a refused answer is an error that the critic did not see.
        for step in transcript.final_path:
            if labels.get(step.id, 0.0) > 0.5:
                del labels[step.id]
    for thought, deserved in hindsight(transcript).items():
        labels[thought] = 0.0 if isinstance(deserved, Backtrack) else 1.0
    return labels
