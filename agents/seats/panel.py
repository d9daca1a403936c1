"""Several critics in the critic's seat.

    vote             all are asked at once; the kind of decision with most votes wins (see ``vote``)
    first-to-object  they are asked in order; the first that neither continues nor ends as solved decides;
                     if none objects, what they said is put to the vote

A member whose verdict cannot be read, or carried out, abstains. What each member said is kept as a reading of the
thought: reward ``panel/NAME``, the kind of its decision as label, the rest of its line as why; *unscored* if it
abstained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from longthought.agents.at_once import at_once
from longthought.agents.calls import keyed_apart
from longthought.agents.errors import UnreadableVerdict
from longthought.agents.readings import VOTE, Reading
from longthought.agents.seats.contract import Critic, Verdict, check_decision
from longthought.agents.seats.vote import objects, vote
from longthought.agents.thoughts import Path
from longthought.agents.verdict_format import write_verdict

Rule = Literal["vote", "first-to-object"]


@dataclass(frozen=True, slots=True)
class _Said:
    """What one member said: a verdict, or what was wrong with its reply."""

    member: str
    verdict: Verdict | None = None
    error: UnreadableVerdict | None = None

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Those that the member asked for, and its decision as one."""
        name = VOTE + self.member
        if self.verdict is None:
            return (Reading(reward=name, why=f"abstained: {self.error}"),)
        kind = self.verdict.decision.kind
        why = write_verdict(self.verdict.decision).removeprefix(kind).removeprefix(":").strip()
        return (*self.verdict.readings, Reading(reward=name, label=kind, why=why))


class Panel:
    """A critic made of critics, by name. No member is shown what the others said.

    Raises:
        ValueError: it has no members.
    """

    def __init__(self, members: Mapping[str, Critic], rule: Rule = "vote") -> None:
        if not members:
            raise ValueError("a panel needs at least one member")
        self._members, self._rule = dict(members), rule

    async def judge(self, path: Path) -> Verdict:
        """The panel's decision on the path's last thought, and what each member said.

        Raises:
            UnreadableVerdict: all members abstained; the reply is the first one's.
            ModelError: what a member's model raises.
        """
        shown = _without_votes(path)
        said = await (self._all(shown) if self._rule == "vote" else self._in_order(shown))
        decisions = [each.verdict.decision for each in said if each.verdict is not None]
        if not decisions:
            first = said[0].error
            raise UnreadableVerdict(
                f"no member of the panel can be read; {first}", first.reply if first else ""
            )
        objection = next(filter(objects, decisions), None) if self._rule == "first-to-object" else None
        readings = tuple(reading for each in said for reading in each.readings)
        return Verdict(objection or vote(decisions), readings)

    async def _all(self, path: Path) -> list[_Said]:
        return await at_once(_ask(name, critic, path) for name, critic in self._members.items())

    async def _in_order(self, path: Path) -> list[_Said]:
        said: list[_Said] = []
        for name, critic in self._members.items():
            said.append(await _ask(name, critic, path))
            verdict = said[-1].verdict
            if verdict is not None and objects(verdict.decision):
                break
        return said


async def _ask(name: str, critic: Critic, path: Path) -> _Said:
    # Members on one model ask the same at once; each has its own dice, and finds its own replies again.
    with keyed_apart(name):
        try:
            verdict = await critic.judge(path)
            check_decision(verdict.decision, path)
        except UnreadableVerdict as error:
            return _Said(name, error=error)
    return _Said(name, verdict)


def _without_votes(path: Path) -> Path:
    """The path without what members said of earlier thoughts."""
    if not any(reading.is_vote for turn in path.walk for reading in turn.readings):
        return path
    walk = (replace(turn, readings=tuple(r for r in turn.readings if not r.is_vote)) for turn in path.walk)
    return replace(path, walk=tuple(walk))


def member_of(reading: Reading) -> str | None:
    """The panel's member whose decision the reading is, or None."""
    return reading.reward.removeprefix(VOTE) if reading.is_vote else None
