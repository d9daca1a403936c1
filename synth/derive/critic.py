"""Critic SFT from debates: (path → decision, reason) rows, labelled by what the run's own tree shows afterwards.

A critic that learns from what it said learns its mistakes too; ``synth.hindsight`` says what is taken in its place.
The rows are those of ``synth.critic_rows``: a straight path as the critic is shown it, and loss on verdicts only.
Departures from the debate: dead branches that came before are not in the context, and a verdict is learned once,
however many paths share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar, Literal

from longthought.agents.decisions import Decision
from longthought.agents.prompts import Prompts
from longthought.agents.seats.context import Context, ContextKind
from longthought.agents.thoughts import Path, Turn
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.critic_rows import verdicts_row
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.hindsight import hindsight
from longthought.synth.derive.rows import Row, SftRow, origin
from longthought.synth.derive.step_labels import is_debate


class Critic(Derivation):
    """One row for each path to a verdict that no other row teaches."""

    row: ClassVar[type[Row]] = SftRow

    #: Where the verdicts come from: the tree, or the critic itself in debates that ended right.
    labels: Literal["hindsight", "decisions"] = "hindsight"
    context: ContextKind = "per_seat"
    #: The prompt set of the debates: a shipped name or a directory.
    prompts: str = "default"
    #: The critic was shown the rewards' readings (``reward: inject``).
    readings: bool = False

    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped]:
        for transcript in samples:
            if not is_debate(transcript):
                yield Dropped("not a debate")
            elif verdicts := self._verdicts(transcript):
                yield from self._rows(transcript, verdicts)
            else:
                yield Dropped("no verdict to learn")

    def _verdicts(self, transcript: Transcript) -> Mapping[int, Decision]:
        if self.labels == "hindsight":
            return hindsight(transcript)
        if not transcript.right:
            return {}
        return {
            judgement.thought: judgement.decision
            for judgement in transcript.judgements
            if not transcript.thoughts[judgement.thought - 1].truncated
        }

    def _rows(self, transcript: Transcript, verdicts: Mapping[int, Decision]) -> Iterator[SftRow | Dropped]:
        turns = {turn.thought.id: turn for turn in transcript.walk}
        learned: set[int] = set()
        made: list[SftRow | Dropped] = []
        # From the last thought back: a path teaches the verdicts above its end, if they are what the debate went by.
        for end in sorted(verdicts, reverse=True):
            if end in learned:
                continue
            thoughts = transcript.path_to(end)
            if any(thought.truncated for thought in thoughts):
                made.append(Dropped("a truncated thought"))
                continue
            walk = [turns[thought.id] for thought in thoughts]
            walk[-1] = replace(walk[-1], decision=verdicts[end], told_wrong=False)
            learn = {turn.thought.id for turn in walk if verdicts.get(turn.thought.id) == turn.decision}
            row = self._row(transcript, tuple(walk), learn - learned)
            learned |= learn
            made.append(row)
        yield from reversed(made)

    def _row(self, transcript: Transcript, walk: tuple[Turn, ...], learn: set[int]) -> SftRow:
        return verdicts_row(
            Path(transcript.problem, tuple(turn.thought for turn in walk), walk),
            self._context,
            learn,
            id=f"{transcript.id}/{walk[-1].thought.id}",
            origin=origin(transcript),
        )

    @cached_property
    def _context(self) -> Context:
        return Context(Prompts(self.prompts), self.context, "walk", self.readings)
