"""What becomes of an answer when it is looked at again: within a debate or a thought, from one proposal to the next.

The risk that Snell et al. 2024 (arXiv 2408.03314, §6.1) found in models taught to revise: about 38 % of right answers
are turned into wrong ones. Departure: they count a chain of whole attempts, here it is every answer that a debate's
steps, or a long thought's, propose. What stands behind a thought and only says its answer again is no revision.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.rewards.contract import Scorer
from longthought.agents.rewards.scorers import UNIT_TESTS, NoScorer, scorer_named
from longthought.protocols import outcomes
from longthought.protocols.transcript import WRITTEN, Transcript
from longthought.synth.imports.whole_reply import taken_apart
from longthought.train.allowance import without_blanks

Change = Literal["kept", "lost", "gained", "stayed", "unknown"]


@dataclass(frozen=True, slots=True)
class Revisions:
    """Pairs of one proposed answer and the next.

    Attributes:
        kept, lost: right ones that stayed right, and that became wrong.
        gained, stayed: wrong ones that became right, and that stayed wrong.
        unknown: of which nobody can tell.
    """

    kept: int = 0
    lost: int = 0
    gained: int = 0
    stayed: int = 0
    unknown: int = 0

    @property
    def lost_rate(self) -> float | None:
        """Of right answers that were revised, the share that became wrong; None without any."""
        return self.lost / (self.kept + self.lost) if self.kept + self.lost else None

    @property
    def gained_rate(self) -> float | None:
        """Of wrong answers that were revised, the share that became right; None without any."""
        return self.gained / (self.gained + self.stayed) if self.gained + self.stayed else None

    @property
    def pairs(self) -> int:
        return self.kept + self.lost + self.gained + self.stayed + self.unknown


def revisions(transcripts: Iterable[Transcript]) -> Revisions:
    """Count them over debates; answers whose rightness the outcome does not tell are scored as in a run."""
    counts: dict[Change, int] = {"kept": 0, "lost": 0, "gained": 0, "stayed": 0, "unknown": 0}
    with asyncio.Runner() as runner:
        scoring = _Scoring()
        try:
            for transcript in transcripts:
                told = taken_apart(transcript)
                proposed = scoring.proposed(told)
                if len(proposed) > 1:
                    right = runner.run(scoring.right(told, proposed))
                    for before, after in pairwise(proposed):
                        counts[_change(right[before], right[after])] += 1
        finally:
            runner.run(scoring.close())
    return Revisions(**counts)


class _Scoring:
    """The scorers of the problems, each made once."""

    def __init__(self) -> None:
        self._scorers: dict[str, Scorer] = {}

    def proposed(self, told: Transcript) -> list[str]:
        """The answers in the order in which they were proposed."""
        if told.protocol != WRITTEN:
            return [thought.answer for thought in told.thoughts if thought.answer is not None]
        scorer = self._scorer(told.problem)
        inside = [thought for thought in told.thoughts if thought is not told.behind]
        found = [answer for thought in inside if (answer := scorer.extract(thought.text)) is not None]
        final = told.outcome.answer if told.behind is not None else None
        if final is None or (found and without_blanks(found[-1]) == without_blanks(final)):
            return found
        return [*found, final]

    async def right(self, told: Transcript, answers: list[str]) -> dict[str, bool | None]:
        """Of each answer, whether it is right."""
        outcome = told.outcome
        known: dict[str, bool | None] = {}
        if outcome.answer is not None and outcome.kind in (outcomes.SOLVED, outcomes.WRONG):
            known[outcome.answer] = outcome.is_right
        for answer in answers:
            if answer not in known:
                value = (await self._scorer(told.problem).score(answer, told.problem)).value
                known[answer] = None if value is None else value >= 1.0
        return known

    def _scorer(self, problem: Problem) -> Scorer:
        if problem.scorer not in self._scorers:
            self._scorers[problem.scorer] = _known_scorer(problem.scorer)
        return self._scorers[problem.scorer]

    async def close(self) -> None:
        for scorer in self._scorers.values():
            await scorer.close()


def _known_scorer(name: str) -> Scorer:
    """The scorer; one that cannot tell in place of a plug-in's and of one that would run what models wrote."""
    try:
        return NoScorer() if name == UNIT_TESTS else scorer_named(name)
    except UsageError:
        return NoScorer()


def _change(before: bool | None, after: bool | None) -> Change:
    match before, after:
        case True, True:
            return "kept"
        case True, False:
            return "lost"
        case False, True:
            return "gained"
        case False, False:
            return "stayed"
        case _:
            return "unknown"
