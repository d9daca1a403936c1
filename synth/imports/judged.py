"""Whether imported answers are right: by the source's word, or by a scorer where there is a gold answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from longthought.agents.rewards.contract import Scorer
from longthought.agents.rewards.scorers import scorer_named
from longthought.protocols import outcomes
from longthought.protocols.outcomes import Outcome
from longthought.protocols.transcript import Transcript

#: Transcripts whose answers are scored at once.
_AT_ONCE = 64
#: Ends that an answer can change.
_SCORED = (outcomes.SOLVED, outcomes.WRONG, outcomes.UNVERIFIED)


def judged(transcripts: Iterable[Transcript], *, again: bool = False) -> Iterator[Transcript]:
    """The transcripts with their outcomes.

    Args:
        again: score answers too of which the source says whether they are right.
    """
    scorers: dict[str, Scorer] = {}
    waiting = iter(transcripts)
    with asyncio.Runner() as runner:
        try:
            while some := list(islice(waiting, _AT_ONCE)):
                yield from runner.run(_judge(some, scorers, again))
        finally:
            for scorer in scorers.values():
                runner.run(scorer.close())


async def _judge(
    transcripts: Sequence[Transcript], scorers: dict[str, Scorer], again: bool
) -> list[Transcript]:
    async def one(transcript: Transcript) -> Transcript:
        outcome, problem = transcript.outcome, transcript.problem
        known = outcome.kind != outcomes.UNVERIFIED and not again
        if outcome.kind not in _SCORED or known or problem.gold is None or outcome.answer is None:
            return transcript
        scorer = scorers.get(problem.scorer) or scorers.setdefault(
            problem.scorer, scorer_named(problem.scorer)
        )
        reading = await scorer.score(outcome.answer, problem)
        if reading.value is None:
            return transcript
        kind = outcomes.SOLVED if reading.value >= 1.0 else outcomes.WRONG
        scored = Outcome(kind=kind, answer=outcome.answer, why="" if kind == outcomes.SOLVED else reading.why)
        return transcript.model_copy(update={"outcome": scored})

    return list(await asyncio.gather(*map(one, transcripts)))
