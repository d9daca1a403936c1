"""The two seats as the protocols see them: stateless work on a path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from longthought.agents.decisions import Backtrack, Decision, Terminate
from longthought.agents.errors import UnreadableVerdict
from longthought.agents.readings import Reading
from longthought.agents.thoughts import Path


@dataclass(frozen=True, slots=True)
class Step:
    """One proposed thought as the policy wrote it. ``truncated``: the model ran into its token limit."""

    text: str
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision, and the readings that the critic asked for on the way to it."""

    decision: Decision
    readings: tuple[Reading, ...] = ()


class Policy(Protocol):
    """Proposes thoughts."""

    async def propose(self, path: Path, n: int = 1) -> list[Step]:
        """``n`` candidates for the next thought below the path's tip, of the kind ``path.ask`` names."""
        ...


class Critic(Protocol):
    """Judges thoughts."""

    async def judge(self, path: Path) -> Verdict:
        """A decision on the last thought of ``path``.

        Raises:
            UnreadableVerdict: the reply was no decision; the debate asks again with the reply and the error.
        """
        ...


def check_decision(decision: Decision, path: Path) -> None:
    """That the decision can be carried out on ``path``.

    Raises:
        UnreadableVerdict: it goes back to no step above the last one, or ends as solved without an answer.
    """
    if isinstance(decision, Backtrack) and decision.to >= path.depth:
        raise UnreadableVerdict(f"backtrack to {decision.to} is not above this step")
    ends = isinstance(decision, Terminate) and decision.reason == "solved" and not decision.answer
    if ends and path.answer is None:
        raise UnreadableVerdict("no answer stands on the path yet, so it cannot end as solved")
