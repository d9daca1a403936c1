"""Plays many debates at once in one process, journals them, and resumes a run by replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Protocol

from longthought.agents.problems import Problem
from longthought.protocols.crew import work_off
from longthought.protocols.journal import Event, Journal
from longthought.protocols.outcomes import Outcome
from longthought.protocols.tape import Tape
from longthought.protocols.tree import Tree


class Plays(Protocol):
    """A protocol: plays the problem of a tree to an outcome. ``Debate`` is one, best-of-n another."""

    async def play(self, tree: Tree) -> Outcome:
        """Must call ``tree.close`` with the outcome it returns."""
        ...


@dataclass
class Progress:
    """Counts of a run under way; a display reads them whenever it likes."""

    total: int = 0
    done: int = 0
    resumed: int = 0
    in_flight: int = 0
    outcomes: dict[str, int] = field(default_factory=dict[str, int])
    decisions: dict[str, int] = field(default_factory=dict[str, int])
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class Assignment:
    """One debate to be played: a problem, which of its samples, and the seed of everything random in it."""

    number: int
    problem: Problem
    epoch: int
    seed: int


def assignments(problems: Iterable[Problem], epochs: int, seed: int) -> Iterator[Assignment]:
    """Every problem ``epochs`` times, numbered from 0; seeds depend on the run's seed, problem and epoch."""
    number = 0
    for problem in problems:
        for epoch in range(epochs):
            digest = blake2b(f"{seed}|{problem.id}|{epoch}".encode(), digest_size=4).digest()
            yield Assignment(number, problem, epoch, int.from_bytes(digest) & 0x7FFFFFFF)
            number += 1


async def run_debates(
    todo: Iterable[Assignment],
    protocol: Plays,
    journal: Journal,
    max_debates: int = 64,
    progress: Progress | None = None,
    on_closed: Callable[[Assignment, Tree, Outcome], None] | None = None,
    name: str = "",
) -> Progress:
    """Play what the journal does not hold yet, at most ``max_debates`` at once. A finished run makes no call.

    ``name`` is the protocol's, for the transcripts.

    The first error that is no outcome of a single debate stops the rest (their events stay) and is raised.
    Cancelling the task stops the same way.
    """
    progress = progress or Progress()
    closed, past = journal.unfinished()

    async def play(assignment: Assignment) -> None:
        if assignment.number in closed:
            progress.resumed += 1
            progress.done += 1
            return
        progress.in_flight += 1
        try:
            await _play_one(
                assignment, protocol, name, journal, past.pop(assignment.number, []), progress, on_closed
            )
        finally:
            progress.in_flight -= 1

    await work_off(todo, play, max_debates)
    return progress


async def _play_one(
    assignment: Assignment,
    protocol: Plays,
    name: str,
    journal: Journal,
    past: list[Event],
    progress: Progress,
    on_closed: Callable[[Assignment, Tree, Outcome], None] | None,
) -> None:
    tape = Tape(journal, assignment.number, assignment.seed, past)
    tree = Tree(assignment.problem, tape)
    opened: dict[str, object] = {
        "problem": assignment.problem.model_dump(exclude_defaults=True),
        "epoch": assignment.epoch,
        "seed": assignment.seed,
    }
    # A journal from before protocols were named goes on without.
    if name and not (past and "protocol" not in past[0]["data"]):
        opened["protocol"] = name
    tape.emit("opened", opened)
    outcome = await protocol.play(tree)
    progress.done += 1
    progress.outcomes[outcome.group] = progress.outcomes.get(outcome.group, 0) + 1
    for turn in tree.walk:
        if turn.decision is not None:
            kind = turn.decision.kind
            progress.decisions[kind] = progress.decisions.get(kind, 0) + 1
    total = tape.total()
    progress.tokens_in += total.prompt
    progress.tokens_out += total.completion
    if on_closed is not None:
        on_closed(assignment, tree, outcome)
