"""Asks a reward model or a critic about every step of labelled solutions, journalled, many solutions at once.

A critic is shown a solution as a debate would show it: step by step, every earlier step continued. Continuing, and
ending the debate as solved, is a score of 1; going back or reflecting is 0. Giving up says nothing of the step, and
neither does a verdict that cannot be read, or that the model's server will not be asked for: they leave it unscored.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from longthought.agents.at_once import at_once
from longthought.agents.calls import recorder
from longthought.agents.decisions import Backtrack, Reflect, Terminate
from longthought.agents.errors import ContextLengthError, RefusedError, UnreadableVerdict
from longthought.agents.models.contract import Usage
from longthought.agents.rewards.contract import Reward
from longthought.agents.rewards.tools import read_steps
from longthought.agents.seats.contract import Critic
from longthought.agents.thoughts import Path
from longthought.protocols.crew import work_off
from longthought.protocols.journal import Journal, read_debates
from longthought.protocols.tape import Tape
from longthought.protocols.verdicts import readable_verdict
from longthought.synth.labelled.record import LabelledSolution
from longthought.train.judging.said import Said


@dataclass
class Progress:
    """Counts of the work under way; a display reads them whenever it likes."""

    done: int = 0
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0


async def ask_about(
    subject: Reward | Critic,
    solutions: Sequence[LabelledSolution],
    journal: Journal,
    *,
    injected: Sequence[Reward] = (),
    max_at_once: int = 64,
    asks: int = 3,
    progress: Progress | None = None,
) -> list[Said]:
    """What ``subject`` says of every solution, in order. What the journal already holds is not asked again.

    Args:
        injected: rewards whose readings a critic is shown, as in its debates.

    Raises:
        FatalModelError, RunError, UsageError: it cannot go on; what was said so far is in the journal.
    """
    progress = progress if progress is not None else Progress()
    started = time.monotonic()
    past = {events[0]["debate"]: events for events in read_debates(journal.file.parent)}
    said: list[Said | None] = [None] * len(solutions)

    async def ask(number: int) -> None:
        solution = solutions[number]
        tape = Tape(journal, number, 0, past.get(number, []))
        tape.seat = "judge"
        recorder.set(tape)
        tape.emit("opened", {"solution": solution.id, "steps": len(solution.steps)})
        if isinstance(subject, Reward):
            scores = [reading.score for reading in await read_steps(subject, solution.path())]
        else:
            scores = await _critic_scores(subject, solution, injected, asks)
        tape.emit("closed", {"scores": scores})
        said[number] = Said(solution, tuple(scores))
        progress.done += 1
        progress.usage += tape.total()
        progress.seconds = time.monotonic() - started

    await work_off(range(len(solutions)), ask, min(max_at_once, len(solutions)))
    return [one for one in said if one is not None]


async def shown(solution: LabelledSolution, injected: Sequence[Reward]) -> Path:
    """The solution's path, with the readings of each step that a critic is shown in a debate."""
    path = solution.path()
    read = await at_once(read_steps(reward, path) for reward in injected)
    walk = (
        replace(turn, readings=tuple(readings[at] for readings in read)) for at, turn in enumerate(path.walk)
    )
    return replace(path, walk=tuple(walk)) if injected else path


async def _critic_scores(
    critic: Critic, solution: LabelledSolution, injected: Sequence[Reward], asks: int
) -> list[float | None]:
    path = await shown(solution, injected)
    scores: list[float | None] = [None] * path.depth
    labelled = [at for at, label in enumerate(solution.labels) if label is not None]
    found = await at_once(critic_score(critic, path.prefix(at + 1), asks) for at in labelled)
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
    except (UnreadableVerdict, ContextLengthError, RefusedError):
        return None
    if isinstance(decision, Backtrack | Reflect):
        return 0.0
    return None if isinstance(decision, Terminate) and decision.reason != "solved" else 1.0
