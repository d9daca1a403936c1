"""Dialogue SFT: the debate as its seats saw it, so that a model learns to sit in one or both of them.

The messages are those that ``agents.seats.context`` renders for a live debate with the whole walk in memory.
A wrong step stays in the context, for what follows answers it, but carries no loss (as verl#5316 asks for).
Replies that were asked again never were part of the thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import ClassVar, Literal, cast

from longthought.agents.decisions import Backtrack, Continue, Reflect, Terminate
from longthought.agents.prompts import Prompts
from longthought.agents.seats.context import Context, ContextKind
from longthought.agents.thoughts import Path, Turn
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.rows import Row, RowMessage, SftRow, origin
from longthought.synth.derive.standing import standing
from longthought.synth.derive.step_labels import is_debate

Part = Literal["thought", "verdict"]


class Dialogue(Derivation):
    """``context: shared`` makes one row per debate, ``per_seat`` one per debate and seat."""

    row: ClassVar[type[Row]] = SftRow

    seats: Literal["both", "policy", "critic"] = "both"
    context: ContextKind = "per_seat"
    #: The prompt set of the debates: a shipped name or a directory.
    prompts: str = "default"
    #: The critic was shown the rewards' readings (``reward: inject``).
    readings: bool = False
    #: ``drop-wrong``: no loss on thoughts that were gone back on, reflected on, refused by the scorer, or never judged,
    #: nor on verdicts that let such a thought pass or wrongly call the problem ill-posed. ``recovery-only``: loss on
    #: the verdicts that object, and on the thought behind each, if it stands.
    mask: Literal["all", "drop-wrong", "recovery-only"] = "drop-wrong"
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
            walk = transcript.walk
            path = Path(transcript.problem, transcript.final_path, walk)
            stands = standing(transcript)
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
        learn = set(self._learned(transcript, path.walk, stands))
        for message, turn, part in self._context.thread(path, "critic" if thread == "critic" else "policy"):
            messages.append(cast("RowMessage", {"role": message.role, "content": message.content}))
            mine = self.seats in ("both", "policy" if part == "thought" else "critic")
            trained.append(mine and turn is not None and (part, turn.thought.id) in learn)
        if not any(trained):
            return Dropped(f"{thread}: nothing to learn from")
        return SftRow(
            id=transcript.id if thread == "shared" else f"{transcript.id}/{thread}",
            **origin(transcript),
            messages=messages,
            trained=trained,
        )

    def _learned(
        self, transcript: Transcript, walk: Sequence[Turn], stands: Mapping[int, bool]
    ) -> Iterator[tuple[Part, int]]:
        """What carries loss, whoever said it: the thought or the verdict of the turn of that thought."""
        refused = transcript.outcome.right is False
        objected = False
        for turn in walk:
            recovering, objected = objected, turn.told_wrong or isinstance(turn.decision, Backtrack | Reflect)
            if self._teaches(turn, stands) and (self.mask != "recovery-only" or recovering):
                yield "thought", turn.thought.id
            passes = isinstance(turn.decision, Continue | Terminate)
            missed = (refused and isinstance(turn.decision, Terminate)) or (
                passes and stands.get(turn.thought.id) is False
            )
            if self.mask == "all" or not (missed or (self.mask == "recovery-only" and passes)):
                yield "verdict", turn.thought.id

    def _teaches(self, turn: Turn, stands: Mapping[int, bool]) -> bool:
        """Whether the policy is to learn the turn's thought."""
        if turn.thought.truncated:
            return False
        if isinstance(turn.decision, Backtrack) and (
            (self.learn_dead_ends and turn.thought.kind == "step")
            or (self.learn_reflections and turn.thought.kind == "reflection")
        ):
            return True
        if self.mask == "all":
            return True
        if isinstance(turn.decision, Terminate) and turn.decision.reason != "solved":
            # Giving up, or finding the problem ill-posed, says nothing against the thought it follows.
            return True
        return stands.get(turn.thought.id, False)

    @cached_property
    def _context(self) -> Context:
        return Context(Prompts(self.prompts), self.context, "walk", self.readings)
