"""Asks a reward model or a critic about every step of labelled solutions, journalled, many solutions at once.

A critic is shown a solution as a debate would show it: step by step, every earlier step continued. Continuing, and
ending the debate as solved, is a score of 1; going back or reflecting is 0. Giving up says nothing of the step, and
neither does a verdict that cannot be read: they leave it unscored.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from longthought.agents.calls import digest_of, outside, recorder
from longthought.agents.decisions import Backtrack, Reflect, Terminate
from longthought.agents.errors import RewardError, UnreadableVerdict
from longthought.agents.models.contract import Usage
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.answer_text import find_answer
from longthought.agents.rewards.contract import Reward
from longthought.agents.seats.contract import Critic
from longthought.agents.thoughts import Path, straight_path
from longthought.protocols.journal import Journal, read_debates
from longthought.protocols.tape import Tape
from longthought.protocols.verdicts import readable_verdict
from longthought.synth.labelled.record import LabelledSolution
from longthought.train.judging.said import Said

#: How a reward's labels are read.
LABELS = {"correct": 1.0, "right": 1.0, "incorrect": 0.0, "wrong": 0.0}


@dataclass
class Progress:
    """Counts of the work under way; a display reads them whenever it likes."""

    total: int = 0
    done: int = 0
    unscored: int = 0
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0


async def ask_about(
    subject: Reward | Critic,
    solutions: Sequence[LabelledSolution],
    journal: Journal,
    *,
    max_at_once: int = 64,
    asks: int = 3,
    progress: Progress | None = None,
) -> list[Said]:
    """What ``subject`` says of every solution, in order. What the journal already holds is not asked again.

    Raises:
        FatalModelError, RunError, UsageError: it cannot go on; what was said so far is in the journal.
    """
    progress = progress if progress is not None else Progress()
    progress.total = len(solutions)
    started = time.monotonic()
    past = {events[0]["debate"]: events for events in read_debates(journal.file.parent)}
    said: list[Said | None] = [None] * len(solutions)
    queue = iter(range(len(solutions)))

    async def worker() -> None:
        for number in queue:
            solution = solutions[number]
            tape = Tape(journal, number, 0, past.get(number, []))
            tape.seat = "judge"
            recorder.set(tape)
            tape.emit("opened", {"solution": solution.id, "steps": len(solution.steps)})
            if isinstance(subject, Reward):
                scores = await _reward_scores(subject, solution)
            else:
                scores = await _critic_scores(subject, solution, asks)
            tape.emit("closed", {"scores": scores})
            said[number] = Said(solution, tuple(scores))
            progress.done += 1
            progress.unscored += sum(
                score is None and label is not None
                for score, label in zip(scores, solution.labels, strict=True)
            )
            progress.usage += tape.total()
            progress.seconds = time.monotonic() - started

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(max_at_once, len(solutions))):
                group.create_task(worker())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [one for one in said if one is not None]


def path_of(solution: LabelledSolution) -> Path:
    """The solution as a path. A last step that states an answer is a conclusion."""
    problem = Problem(id=solution.id, question=solution.question, metadata=solution.metadata)
    return straight_path(problem, solution.steps, find_answer(solution.steps[-1]))


async def _reward_scores(reward: Reward, solution: LabelledSolution) -> list[float | None]:
    path = path_of(solution)

    async def live() -> dict[str, Any]:
        try:
            readings = await reward.read_steps(path)
        except (RewardError, OSError) as error:
            readings = [Reading(reward=reward.name, why=f"could not read: {error}"[:300])] * path.depth
        return {"readings": [reading.model_dump(exclude_defaults=True) for reading in readings]}

    said = await outside("read", digest_of(reward.name, solution.id, solution.question, solution.steps), live)
    return [_score_of(Reading.model_validate(reading)) for reading in said["readings"]]


def _score_of(reading: Reading) -> float | None:
    return reading.value if reading.label is None else LABELS.get(reading.label)


async def _critic_scores(critic: Critic, solution: LabelledSolution, asks: int) -> list[float | None]:
    path = path_of(solution)
    scores: list[float | None] = [None] * path.depth
    labelled = [at for at, label in enumerate(solution.labels) if label is not None]
    found = await asyncio.gather(*(critic_score(critic, path.prefix(at + 1), asks) for at in labelled))
    for at, score in zip(labelled, found, strict=True):
        scores[at] = score
    if solution.whole and 0.0 not in scores:
        # What follows the first error says whether it is noticed late; after a first flag nothing more is learnt.
        for at in range(path.depth):
            if solution.labels[at] is None:
                scores[at] = await critic_score(critic, path.prefix(at + 1), asks)
                if scores[at] == 0.0:
                    break
    return scores


async def critic_score(critic: Critic, path: Path, asks: int) -> float | None:
    """1 if the critic lets the last step of ``path`` stand, 0 if it objects, None if it says nothing of it."""
    try:
        decision = (await readable_verdict(critic, path, asks)).decision
    except UnreadableVerdict:
        return None
    if isinstance(decision, Backtrack | Reflect):
        return 0.0
    return None if isinstance(decision, Terminate) and decision.reason != "solved" else 1.0
