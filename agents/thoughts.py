"""Thoughts, the nodes of the tree, and the path that a seat is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from longthought.agents.decisions import Decision
from longthought.agents.injection import suspicion
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading

ThoughtKind = Literal["step", "reflection", "conclusion"]
Ask = Literal["step", "reflection", "conclusion"]


class Thought(BaseModel):
    """One node: ``id`` counts from 1 in order of birth, ``parent`` is 0 for a child of the problem itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: int = Field(ge=1)
    parent: int = Field(ge=0)
    kind: ThoughtKind
    text: str
    answer: str | None = None
    #: The model ran into its token limit; such a step is never exported as clean.
    truncated: bool = False
    #: The policy was told to conclude, for the budget was nearly spent.
    concluding: bool = False
    #: Written with a gold answer, or an answer's correctness, in the context.
    informed: bool = False

    @property
    def suspect_injection(self) -> bool:
        """The text tries to speak with another's voice (``agents.injection``)."""
        return suspicion(self.text) is not None


@dataclass(frozen=True, slots=True)
class Turn:
    """One thought and what was said of it, in the order of the debate. ``decision`` is None until it is judged."""

    thought: Thought
    #: How deep the thought stands: 1 is a child of the problem.
    depth: int
    decision: Decision | None = None
    readings: tuple[Reading, ...] = ()
    #: Set when the referee told both seats that the final answer was wrong (``on_wrong_answer: tell``).
    told_wrong: bool = False
    #: After a backtrack: the text of the thought gone back to, empty for the problem.
    at: str = ""
    #: The turn's messages, kept by each ``seats.context.Context`` that made some; no part of the value.
    said: dict[object, Any] = field(default_factory=dict[object, Any], init=False, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Retry:
    """A reply that could not be used, and what was wrong with it; shown to the seat when it is asked again."""

    reply: str
    complaint: str


@dataclass(frozen=True, slots=True)
class Path:
    """Everything a seat is shown: the path from the problem to a node, and the notes on it.

    ``thoughts`` runs root → node (without the problem), ``walk`` holds every turn so far in time order, dead branches
    included. A seat's work is a pure function of this value.
    """

    problem: Problem
    thoughts: tuple[Thought, ...] = ()
    walk: tuple[Turn, ...] = ()
    ask: Ask = "step"
    retries: tuple[Retry, ...] = ()

    @property
    def depth(self) -> int:
        return len(self.thoughts)

    @property
    def tip(self) -> int:
        """Id of the node that the path ends in; 0 is the problem."""
        return self.thoughts[-1].id if self.thoughts else 0

    @property
    def answer(self) -> str | None:
        """The last answer that stands on the path."""
        return next((t.answer for t in reversed(self.thoughts) if t.answer is not None), None)

    @property
    def texts(self) -> Iterator[str]:
        """All that was written by others than the critic: the question and every thought so far."""
        yield self.problem.question
        yield from (turn.thought.text for turn in self.walk)

    @property
    def tried(self) -> tuple[Thought, ...]:
        """The children that the tip already has."""
        tip = self.tip
        return tuple(turn.thought for turn in self.walk if turn.thought.parent == tip)

    def prefix(self, depth: int) -> Path:
        """A straight path up to its ``depth``-th thought, which is then yet to be judged."""
        walk = self.walk[:depth]
        return Path(self.problem, self.thoughts[:depth], (*walk[:-1], replace(walk[-1], decision=None)))

    def continued(self) -> Path:
        """The same path with its last thought let stand, so that the policy can go on from it."""
        from longthought.agents.decisions import Continue

        return replace(self, walk=(*self.walk[:-1], replace(self.walk[-1], decision=Continue())))

    def again(self, reply: str, complaint: str) -> Path:
        """The same path with one more unusable reply on it."""
        return replace(self, retries=(*self.retries, Retry(reply, complaint)))


def straight_path(problem: Problem, steps: Sequence[str], answer: str | None = None) -> Path:
    """A path of plain steps that were all continued but the last, for use outside a debate.

    ``answer`` is what the last step states, if it is a conclusion.
    """
    from longthought.agents.decisions import Continue

    thoughts = [
        Thought(id=number, parent=number - 1, kind="step", text=text)
        for number, text in enumerate(steps, start=1)
    ]
    if answer is not None:
        thoughts[-1] = thoughts[-1].model_copy(update={"kind": "conclusion", "answer": answer})
    walk = tuple(Turn(t, t.id, Continue() if t.id < len(thoughts) else None) for t in thoughts)
    return Path(problem, tuple(thoughts), walk)
