"""The tree of thoughts of one debate while it is played: the cursor, the walk so far, and every event it emits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from longthought.agents.decisions import Backtrack, Decision
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.thoughts import Ask, Path, Thought, ThoughtKind, Turn
from longthought.protocols.budget import Price, Spent
from longthought.protocols.outcomes import Outcome
from longthought.protocols.tape import Tape


class Tree:
    """Nodes are only ever added; the cursor is a node, and the path to it is what the seats are shown."""

    def __init__(self, problem: Problem, tape: Tape) -> None:
        self.problem, self.tape = problem, tape
        self.walk: list[Turn] = []
        self._path: tuple[Thought, ...] = ()
        self.backtracks = 0
        self.repeats = 0
        #: Set once anybody was told whether an answer is right; every later thought is marked with it.
        self.informed = False

    @property
    def depth(self) -> int:
        return len(self._path)

    @property
    def turns(self) -> int:
        """Proposals so far, repeated ones too."""
        return len(self.walk) + self.repeats

    def spent(self, prices: Mapping[str, Price]) -> Spent:
        """What the debate has spent; seats without a price cost nothing."""
        total = self.tape.total()
        cost = sum(
            usage.prompt * price.prompt + usage.completion * price.completion
            for seat, usage in self.tape.usage.items()
            if (price := prices.get(seat)) is not None
        )
        return Spent(
            turns=self.turns,
            depth=self.depth,
            backtracks=self.backtracks,
            repeats=self.repeats,
            tokens_in=total.prompt,
            tokens_out=total.completion,
            cost=cost / 1e6,
            seconds=self.tape.seconds,
        )

    def path(self, ask: Ask = "step") -> Path:
        """What a seat is shown now."""
        return Path(self.problem, self._path, tuple(self.walk), ask)

    def grow(
        self, kind: ThoughtKind, text: str, answer: str | None, truncated: bool, concluding: bool = False
    ) -> Thought:
        """Add a thought below the cursor and move the cursor onto it."""
        parent = self._path[-1].id if self._path else 0
        # Without what is at its default: so it is journalled, and a thought weighs half as much.
        data: dict[str, Any] = {"id": len(self.walk) + 1, "parent": parent, "kind": kind, "text": text}
        if answer is not None:
            data["answer"] = answer
        if truncated:
            data["truncated"] = True
        if concluding:
            data["concluding"] = True
        if self.informed:
            data["informed"] = True
        thought = Thought(**data)
        self._path = (*self._path, thought)
        self.walk.append(Turn(thought, len(self._path)))
        self.tape.emit("thought", data)
        return thought

    def read(self, readings: Sequence[Reading]) -> None:
        """Store readings on the thought that they read, the last one."""
        if readings:
            self.walk[-1] = replace(self.walk[-1], readings=(*self.walk[-1].readings, *readings))

    def judge(self, decision: Decision) -> None:
        """Store the decision on the last thought, and go back if it says so."""
        last = self.walk[-1]
        self.tape.emit(
            "judged",
            {
                "thought": last.thought.id,
                "decision": decision.model_dump(exclude_none=True),
                "readings": [reading.model_dump(exclude_defaults=True) for reading in last.readings],
            },
        )
        at = ""
        if isinstance(decision, Backtrack):
            self._path = self._path[: decision.to]
            self.backtracks += 1
            at = self._path[-1].text if self._path else ""
        self.walk[-1] = replace(last, decision=decision, at=at)

    def tell_wrong(self, answer: str) -> None:
        """Both seats learn that the answer is wrong; what follows is informed."""
        self.informed = True
        self.walk[-1] = replace(self.walk[-1], told_wrong=True)
        self.tape.emit("told", {"thought": self.walk[-1].thought.id, "answer": answer, "right": False})

    def repeated(self, text: str) -> None:
        """Count a proposal that repeats a child already there although it was asked for again."""
        self.repeats += 1
        self.tape.emit("repeated", {"parent": self._path[-1].id if self._path else 0, "text": text})

    def asked_again(self, seat: str, reply: str, complaint: str) -> None:
        """Note a reply that could not be used."""
        self.tape.emit("asked_again", {"seat": seat, "reply": reply, "complaint": complaint})

    def close(self, outcome: Outcome) -> Outcome:
        """End the debate."""
        usage = {
            seat: {"prompt": u.prompt, "completion": u.completion, "cached": u.cached}
            for seat, u in sorted(self.tape.usage.items())
        }
        self.tape.emit(
            "closed",
            {
                **outcome.model_dump(exclude_defaults=True),
                "turns": self.turns,
                "usage": usage,
                "calls": dict(sorted(self.tape.calls.items())),
            },
        )
        return outcome
