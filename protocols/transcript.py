"""The transcript: the versioned record of a debate, folded from its events; everything else is derived from it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from longthought.agents.decisions import Backtrack, Decision
from longthought.agents.errors import UsageError
from longthought.agents.first_error import first_error
from longthought.agents.injection import any_suspect
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.thoughts import Thought, Turn
from longthought.protocols.journal import Event
from longthought.protocols.outcomes import Outcome

VERSION: Final = 1
#: The protocol of a long thought that others wrote: its thoughts hold its turns of mind themselves.
WRITTEN: Final = "imported"
#: And of one made of a tree of others; its turns of mind are told as a debate's are.
TREE: Final = "imported tree"
#: And of one that a model here wrote in one reply, which is its only thought.
LONG_THOUGHT: Final = "long-thought"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Judgement(_Record):
    """What was decided on one thought, with the readings that were known then."""

    thought: int
    decision: Decision
    readings: tuple[Reading, ...] = ()

    @property
    def reward_missing(self) -> bool:
        """It was decided without a reward that could not be had."""
        return any(reading.missing for reading in self.readings)


class SeatUsage(_Record):
    prompt: int = 0
    completion: int = 0
    cached: int = 0


class AskedAgain(_Record):
    """A reply that could not be used: of which seat, the reply, and what was wrong with it."""

    seat: str
    reply: str
    complaint: str


class Transcript(_Record):
    """One debate. Thoughts are in order of birth and every one but perhaps the last has its judgement.

    JSON round trips are exact. Times are not part of it: two runs that did the same have the same transcript.
    """

    version: Literal[1] = VERSION
    run: str = ""
    #: ``debate``, ``monologue``, ``best-of-n``, …; empty in transcripts from before they said so.
    protocol: str = ""
    number: int
    epoch: int = 0
    seed: int = 0
    problem: Problem
    thoughts: tuple[Thought, ...]
    judgements: tuple[Judgement, ...]
    told_wrong: tuple[int, ...] = ()
    asked_again: tuple[AskedAgain, ...] = ()
    repeated: int = 0
    failed_attempts: int = 0
    outcome: Outcome
    turns: int
    usage: dict[str, SeatUsage] = Field(default_factory=dict)
    calls: dict[str, int] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_a_tree(self) -> Self:
        """Others write transcripts, too, and every derivation goes by ids."""
        depths = [0]
        for place, thought in enumerate(self.thoughts, start=1):
            if thought.id != place or thought.parent >= place:
                raise ValueError(f"thoughts: number {place} has id {thought.id} and parent {thought.parent}")
            depths.append(depths[thought.parent] + 1)
        for judgement in self.judgements:
            at, decision = judgement.thought, judgement.decision
            if not 1 <= at < len(depths):
                raise ValueError(f"judgements: there is no thought {at}")
            if isinstance(decision, Backtrack) and decision.to >= depths[at]:
                raise ValueError(f"judgements: from thought {at} the way back to {decision.to} is none")
        if any(not 1 <= at < len(depths) for at in self.told_wrong):
            raise ValueError("told_wrong: names a thought that is not there")
        return self

    @property
    def id(self) -> str:
        return f"{self.problem.id}#{self.epoch}"

    @property
    def informed(self) -> bool:
        """Something in it was produced with the answer, or its correctness, in the context."""
        return bool(self.told_wrong) or any(thought.informed for thought in self.thoughts)

    @property
    def suspect_injection(self) -> bool:
        """The problem or a thought tries to speak with another's voice."""
        return any_suspect([self.problem.question, *(thought.text for thought in self.thoughts)])

    @property
    def right(self) -> bool:
        """It ended with the right answer, or by naming what is wrong with an ill-posed problem."""
        return self.outcome.is_right

    def path_to(self, thought: int) -> tuple[Thought, ...]:
        """The thoughts from the problem (left out) to ``thought``, whose id 0 is the problem itself."""
        path: list[Thought] = []
        while thought:
            node = self.thoughts[thought - 1]
            path.append(node)
            thought = node.parent
        return tuple(reversed(path))

    @property
    def behind(self) -> Thought | None:
        """Of a long thought that others wrote: the conclusion that stands behind the thought, outside of it."""
        last = self.thoughts[-1] if self.thoughts and self.protocol == WRITTEN else None
        return last if last is not None and last.kind == "conclusion" else None

    @property
    def final_path(self) -> tuple[Thought, ...]:
        """Where the debate ended: the path to the last thought, or to what a last backtrack left standing."""
        if not self.thoughts:
            return ()
        path = self.path_to(self.thoughts[-1].id)
        last = self.judgements[-1] if self.judgements else None
        if last is not None and last.thought == path[-1].id and isinstance(last.decision, Backtrack):
            return path[: last.decision.to]
        return path

    @cached_property
    def walk(self) -> tuple[Turn, ...]:
        """Every thought and what was said of it, in time order."""
        judged = {judgement.thought: judgement for judgement in self.judgements}
        told = set(self.told_wrong)
        path: list[str] = []
        turns: list[Turn] = []
        for thought in self.thoughts:
            judgement = judged.get(thought.id)
            decision = judgement.decision if judgement else None
            path.append(thought.text)
            depth, at = len(path), ""
            if isinstance(decision, Backtrack):
                del path[decision.to :]
                at = path[-1] if path else ""
            readings = judgement.readings if judgement else ()
            turns.append(Turn(thought, depth, decision, readings, thought.id in told, at))
        return tuple(turns)


def fold(events: Sequence[Event], run: str = "") -> Transcript | None:
    """The transcript of one debate's events, or None while it is unfinished.

    Raises:
        UsageError: the events are not those of a debate of this version.
    """
    if not events or events[-1]["kind"] != "closed":
        return None
    by_kind: dict[str, list[dict[str, object]]] = {}
    for event in events:
        by_kind.setdefault(event["kind"], []).append(event["data"])
    opened, closed = events[0]["data"], dict(events[-1]["data"])
    try:
        return Transcript.model_validate(
            {
                "run": run,
                "protocol": opened.get("protocol", ""),
                "number": events[0]["debate"],
                "epoch": opened["epoch"],
                "seed": opened["seed"],
                "problem": opened["problem"],
                "thoughts": by_kind.get("thought", []),
                "judgements": by_kind.get("judged", []),
                "told_wrong": [data["thought"] for data in by_kind.get("told", [])],
                "asked_again": by_kind.get("asked_again", []),
                "repeated": len(by_kind.get("repeated", [])),
                "failed_attempts": len(by_kind.get("failed", [])),
                "turns": closed.pop("turns"),
                "usage": closed.pop("usage"),
                "calls": closed.pop("calls"),
                "outcome": closed,
            }
        )
    except (ValidationError, KeyError) as error:
        said = first_error(error) if isinstance(error, ValidationError) else f"no {error}"
        where = f"debate {events[0]['debate']}"
        raise UsageError(f"{where}: not a transcript of version {VERSION}: {said}") from error
