"""Dialogue SFT: the debate as its seats saw it, so that a model learns to sit in one or both of them.

The messages are those that ``agents.seats.context`` renders for a live debate with the whole walk in memory.
A wrong step stays in the context, for what follows answers it, but carries no loss (as verl#5316 asks for).
Replies that were asked again never were part of the thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import ClassVar, Literal, cast

from longthought.agents.decisions import Backtrack, Continue, Terminate
from longthought.agents.prompts import Prompts
from longthought.agents.seats.context import Context, ContextKind
from longthought.agents.thoughts import Path, Turn
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.rows import Row, RowMessage, SftRow
from longthought.synth.derive.step_labels import is_debate, step_labels


class Dialogue(Derivation):
    """``context: shared`` makes one row per debate, ``per_seat`` one per debate and seat."""

    row: ClassVar[type[Row]] = SftRow

    seats: Literal["both", "policy", "critic"] = "both"
    context: ContextKind = "per_seat"
    #: The prompt set of the debates: a shipped name or a directory.
    prompts: str = "default"
    #: The critic was shown the rewards' readings (``reward: inject``).
    readings: bool = False
    #: No loss on thoughts that were gone back on, reflected on, refused by the scorer, or never judged, nor on
    #: verdicts that let such a thought pass or wrongly call the problem ill-posed.
    mask_wrong: bool = True
    #: But loss on dead ends: steps that the critic went back from at once, with no fault to reflect on. A policy that
    #: only ever learns steps that lead to the goal learns to claim that they do.
    learn_dead_ends: bool = False
    #: And loss on reflections after which the critic went back, for they did their work.
    learn_reflections: bool = False

    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped]:
        for transcript in samples:
            if not is_debate(transcript):
                yield Dropped("not a debate")
                continue
            walk = tuple(turn for _, turn in transcript.walk())
            path = Path(transcript.problem, transcript.final_path, walk)
            stands = _in_hindsight(transcript)
            if self.context == "shared":
                yield self._row(transcript, path, stands, "shared")
                continue
            if self.seats != "critic":
                yield self._row(transcript, path, stands, "policy")
            if self.seats != "policy":
                yield self._row(transcript, path, stands, "critic")

    def _row(
        self,
        transcript: Transcript,
        path: Path,
        stands: dict[int, bool],
        thread: Literal["shared", "policy", "critic"],
    ) -> SftRow | Dropped:
        messages: list[RowMessage] = []
        trained: list[bool] = []
        for message, turn, part in self._context.thread(path, "critic" if thread == "critic" else "policy"):
            messages.append(cast("RowMessage", {"role": message.role, "content": message.content}))
            match part:
                case "thought" if turn is not None:
                    trained.append(self.seats != "critic" and self._worth_learning(turn, stands))
                case "verdict" if turn is not None:
                    passes = isinstance(turn.decision, Continue | Terminate)
                    refused = isinstance(turn.decision, Terminate) and transcript.outcome.right is False
                    missed = self.mask_wrong and (
                        refused or (passes and stands.get(turn.thought.id) is False)
                    )
                    trained.append(self.seats != "policy" and not missed)
                case _:
                    trained.append(False)
        if not any(trained):
            return Dropped(f"{thread}: nothing to learn from")
        return SftRow(
            id=transcript.id if thread == "shared" else f"{transcript.id}/{thread}",
            problem=transcript.problem.id,
            run=transcript.run,
            outcome=transcript.outcome.kind,
            informed=transcript.informed,
            messages=messages,
            trained=trained,
        )

    def _worth_learning(self, turn: Turn, stands: dict[int, bool]) -> bool:
        if turn.thought.truncated:
            return False
        if isinstance(turn.decision, Backtrack) and (
            (self.learn_dead_ends and turn.thought.kind == "step")
            or (self.learn_reflections and turn.thought.kind == "reflection")
        ):
            return True
        if not self.mask_wrong:
            return True
        if isinstance(turn.decision, Terminate) and turn.decision.reason != "solved":
            # Giving up, or finding the problem ill-posed, says nothing against the thought it follows.
            return True
        return stands.get(turn.thought.id, False)

    @cached_property
    def _context(self) -> Context:
        return Context(Prompts(self.prompts), self.context, "walk", self.readings)


def _in_hindsight(transcript: Transcript) -> dict[int, bool]:
    """The step labels, but a thought that the debate later went back past is wrong: the critic's last word counts."""
    stands = step_labels(transcript)
    for judgement in transcript.judgements:
        if isinstance(judgement.decision, Backtrack):
            left = transcript.path_to(judgement.thought)[judgement.decision.to :]
            stands.update((thought.id, False) for thought in left if thought.id in stands)
    return stands
