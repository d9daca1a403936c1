"""Splices: a wrong way up to where its error can be seen, a change of mind, and the right way to the end.

Agent-R (Yuan et al. 2025, arXiv 2501.11425, phase I): a bad trajectory is cut, a revision signal is put behind it, and
a good one that shares its beginning goes on from there. The cut is at the first error that the model itself can see,
which taught 8.4 points more than a revision at the end. Here the first error seen is the first thought that the critic
objected to, or an answer that was told to be wrong; ``cut: end`` is the control. Departures: Agent-R asks the model
which action it finds wrong, and finds the trajectories by Monte-Carlo search; here the wrong ways are the branches of
a right debate, or with ``ways: samples`` those of the problem's debates that ended wrong, and the revision is a phrase
of the bank with the critic's reason, which Agent-R's signals do not give. Up to the cut no other turn of mind is told.
The wrong way carries no loss unless ``mask`` says so; there all of a trajectory does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from pydantic import Field

from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate
from longthought.agents.thoughts import Thought, Turn
from longthought.protocols import outcomes
from longthought.protocols.transcript import WRITTEN, Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.rows import Row, SftRow
from longthought.synth.derive.shortcut import direct_path
from longthought.synth.derive.solution import framed, solution_row
from longthought.synth.derive.step_labels import is_debate
from longthought.synth.lot import lot
from longthought.synth.telling.masks import Mask
from longthought.synth.telling.phrases import load_phrases
from longthought.synth.telling.thought_tags import ThoughtTags
from longthought.synth.telling.verbalise import verbalise


@dataclass(frozen=True, slots=True)
class _Way:
    """A wrong way up to its cut: its thoughts, the reason to turn back, and what it is called."""

    thoughts: Sequence[Thought]
    why: str
    name: str
    informed: bool


class Splice(Derivation):
    """At most ``n`` rows for each debate that was solved."""

    row: ClassVar[type[Row]] = SftRow

    #: The wrong ways: branches that the debate left, or all ways of the problem's debates that ended wrong.
    ways: Literal["branches", "samples"] = "branches"
    cut: Literal["first_error", "end"] = "first_error"
    n: int = Field(default=4, ge=1)
    tags: ThoughtTags = ThoughtTags()
    mask: Mask = "drop-wrong"
    phrases: str | None = None
    seed: int = 0

    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped]:
        wrong = [each for each in samples if each.outcome.is_wrong and is_debate(each) and not _written(each)]
        for transcript in samples:
            path = direct_path(transcript)
            if not is_debate(transcript):
                # What best-of-n left for another sample may be right.
                yield Dropped("not a debate")
            elif _written(transcript):
                # Its thoughts say themselves when they turn; a phrase of ours would say it again.
                yield Dropped("a thought that others wrote")
            elif transcript.outcome.kind != outcomes.SOLVED:
                yield Dropped("not solved")
            elif not path or any(thought.truncated for thought in path):
                yield Dropped("no whole path to the answer")
            else:
                yield from self._splices(transcript, path, wrong)

    def _splices(
        self, transcript: Transcript, path: Sequence[Thought], wrong: Sequence[Transcript]
    ) -> Iterator[Row | Dropped]:
        from_ = [transcript] if self.ways == "branches" else wrong
        ways: dict[str, _Way] = {}
        for other in from_:
            for leaf in _leaves(other, path if other is transcript else ()):
                shared = _shared(path, other.path_to(leaf))
                way = self._way(other, leaf, shared)
                if shared == len(path):
                    # With nothing of the right way left to turn to.
                    way = Dropped("a way that goes on behind the right one")
                if isinstance(way, Dropped):
                    yield way
                else:
                    ways.setdefault(way.name, way)
        if not ways:
            yield Dropped("no wrong way")
        drawn = sorted(ways.values(), key=lambda way: lot(self.seed, f"{transcript.id}<{way.name}"))
        for way in drawn[: self.n]:
            yield self._row(transcript, path, way)

    def _way(self, transcript: Transcript, leaf: int, shared: int) -> _Way | Dropped:
        """The way to ``leaf``, cut; its first ``shared`` thoughts are those of the right way."""
        decided = {judgement.thought: judgement.decision for judgement in transcript.judgements}
        thoughts = transcript.path_to(leaf)
        if self.cut == "first_error":
            seen = (
                depth
                for depth, thought in enumerate(thoughts, start=1)
                if depth > shared
                and (
                    isinstance(decided.get(thought.id), Backtrack | Reflect)
                    or thought.id in transcript.told_wrong
                )
            )
            if (end := next(seen, None)) is None:
                return Dropped("no error that the critic saw")
            thoughts = thoughts[:end]
        if len(thoughts) == shared:
            return Dropped("a way that reads like the right one")
        if any(thought.truncated for thought in thoughts):
            return Dropped("a truncated thought")
        last = thoughts[-1]
        name = f"{transcript.epoch}/{last.id}"
        return _Way(thoughts, _reason(decided, last), name, transcript.informed)

    def _row(self, transcript: Transcript, path: Sequence[Thought], way: _Way) -> SftRow | Dropped:
        shared = _shared(path, way.thoughts)
        back = Backtrack(to=shared, why=way.why)
        turns = [
            *(Turn(thought, depth, Continue()) for depth, thought in enumerate(way.thoughts, start=1)),
            *(
                Turn(thought, depth, Continue())
                for depth, thought in enumerate(path, start=1)
                if depth > shared
            ),
        ]
        cut = len(way.thoughts) - 1
        turns[cut] = replace(turns[cut], decision=back, at=path[shared - 1].text if shared else "")
        turns[-1] = replace(turns[-1], decision=Terminate(reason="solved"))
        # Thoughts of two debates may have the same number.
        turns = [
            replace(turn, thought=turn.thought.model_copy(update={"id": number}))
            for number, turn in enumerate(turns, start=1)
        ]
        stands = {number: not shared < number <= cut + 1 for number in range(1, len(turns) + 1)}
        name = f"{transcript.id}<{way.name}"
        pieces = verbalise(turns, load_phrases(self.phrases), f"{self.seed}|{name}", stands)
        message = framed(pieces, transcript, self.tags, self.mask)
        if isinstance(message, Dropped):
            return message
        row = solution_row(transcript, message, id=name)
        return row.model_copy(update={"informed": row.informed or way.informed})


def _written(transcript: Transcript) -> bool:
    return transcript.protocol == WRITTEN


def _leaves(transcript: Transcript, right: Sequence[Thought]) -> Iterator[int]:
    """Ends of the ways that are not the right one."""
    inner = {thought.parent for thought in transcript.thoughts} | {thought.id for thought in right}
    yield from (thought.id for thought in transcript.thoughts if thought.id not in inner)


def _shared(path: Sequence[Thought], other: Sequence[Thought]) -> int:
    """How many steps two ways begin with that read the same."""
    same = (one.text == two.text for one, two in zip(path, other, strict=False))
    return next((number for number, equal in enumerate(same) if not equal), min(len(path), len(other)))


def _reason(decided: Mapping[int, Decision], thought: Thought) -> str:
    decision = decided.get(thought.id)
    if isinstance(decision, Backtrack | Reflect):
        return decision.why
    return f"the answer {thought.answer} is wrong" if thought.answer else ""
