"""Counts the critic's mistakes while a run is under way, against a truth that no seat is shown.

The truth of a thought can cost as much as a scripted turn, so debates wait in line, and no more than a share of the
run's time goes into them; when too many wait, the newest are left out. ``longthought report`` counts them all.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

from longthought.protocols.outcomes import Outcome
from longthought.protocols.transcript import Judgement, Transcript
from longthought.protocols.tree import Tree
from longthought.synth.accounts import Account, account, rule_for, truth_of

#: Of the run's time.
SHARE = 0.02
#: Debates in line; more are left out.
LONGEST = 256


class Tally:
    """The account of a run's debates so far, and how many verdicts were made while a reward was missing.

    ``judged``: a critic sits in these debates; without one there is nothing to count but what was missing.
    """

    def __init__(self, judged: bool = True) -> None:
        self.account = Account()
        self.debates = 0
        self.missing = 0
        self._judged = judged
        self._waiting: deque[tuple[Tree, Outcome]] = deque()

    def add(self, tree: Tree, outcome: Outcome) -> None:
        """Put a debate that has ended in line."""
        self.missing += sum(
            turn.decision is not None and any(reading.missing for reading in turn.readings)
            for turn in tree.walk
        )
        if self._judged and len(self._waiting) < LONGEST:
            self._waiting.append((tree, outcome))

    async def catch_up(self, seconds: float) -> None:
        """Count debates for about so long, letting others run in between."""
        until = time.monotonic() + seconds
        while self._waiting and time.monotonic() < until:
            transcript = transcript_of(*self._waiting.popleft())
            self.account += account(transcript, await truth_of(transcript, rule_for(transcript.problem)))
            self.debates += 1
            await asyncio.sleep(0)

    def parts(self) -> list[str]:
        """What there is to tell."""
        told: list[str] = []
        if self.account.right + self.account.wrong:
            told.append(f"critic in {self.debates} debates: {self.account}")
        if self.missing:
            told.append(f"{self.missing} verdicts without a reward")
        return told


def transcript_of(tree: Tree, outcome: Outcome) -> Transcript:
    """The debate as a transcript, without what it cost."""
    return Transcript(
        number=0,
        problem=tree.problem,
        thoughts=tuple(turn.thought for turn in tree.walk),
        judgements=tuple(
            Judgement(thought=turn.thought.id, decision=turn.decision, readings=turn.readings)
            for turn in tree.walk
            if turn.decision is not None
        ),
        told_wrong=tuple(turn.thought.id for turn in tree.walk if turn.told_wrong),
        outcome=outcome,
        turns=len(tree.walk),
    )
