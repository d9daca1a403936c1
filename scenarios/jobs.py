"""Numbered pieces of work, many at once, each journalled: what is closed is never done again, and nothing asked twice.

The work lies in a directory beside the file that comes of it: a mark that says whose work it is, and the journal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from longthought.agents.calls import recorder
from longthought.agents.errors import UsageError
from longthought.agents.models.contract import Usage
from longthought.protocols.crew import work_off
from longthought.protocols.journal import Journal, read_debates
from longthought.protocols.tape import Tape
from longthought.scenarios.replace_file import replace_file
from longthought.scenarios.take_dir import take
from longthought.scenarios.waiting import under_bar

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work: ``play`` makes its row, asking models through ``agents.calls`` only."""

    number: int
    name: str
    #: Of everything random in it.
    seed: int
    play: Callable[[], Awaitable[Row]]


@dataclass
class Done:
    """What was done now, and what was there already."""

    now: int = 0
    before: int = 0
    usage: Usage = field(default_factory=Usage)


def take_work(out: Path, identity: str, what: str) -> Path:
    """The directory of the work that comes to ``out``, taken for it.

    Raises:
        UsageError: it, or ``out``, holds something else.
        RunError: it cannot be made.
    """
    place = out.with_name(f"{out.name}.work")
    if out.exists() and not place.is_dir():
        raise UsageError(f"{out}: is there already, and not by this command; choose another --out")
    take(place, identity, what)
    return place


async def do_jobs(
    jobs: Iterable[Job], total: int, place: Path, seat: str, max_at_once: int, console: Console | None = None
) -> Done:
    """Do what the journal in ``place`` does not hold yet, at most ``max_at_once`` at a time.

    Raises:
        FatalModelError, OutageError, RetryableError, RunError, UsageError: it cannot go on; what was said so far is
            in the journal.
    """
    done = Done()
    with closing(Journal(place)) as journal:
        closed, past = journal.unfinished()

        async def play(job: Job) -> None:
            if job.number in closed:
                done.before += 1
                return
            tape = Tape(journal, job.number, job.seed, past.pop(job.number, []))
            tape.seat = seat
            recorder.set(tape)
            tape.emit("opened", {"name": job.name})
            tape.emit("closed", {"row": await job.play()})
            done.now += 1
            done.usage += tape.total()

        crew = work_off(jobs, play, min(max_at_once, total))
        await under_bar(crew, seat, total, lambda: done.now + done.before, console)
    return done


def write_rows(place: Path, out: Path, keep: Callable[[Row], bool] = lambda row: True) -> int:
    """Write the rows of the journal in ``place`` to ``out``, in the order of their numbers and all at once; how many.

    Raises:
        RunError: it cannot be written; an older file stays.
    """
    written = 0

    def lines() -> Iterator[bytes]:
        nonlocal written
        for events in read_debates(place):
            if events[-1]["kind"] == "closed" and keep(events[-1]["data"]["row"]):
                written += 1
                yield orjson.dumps(events[-1]["data"]["row"]) + b"\n"

    replace_file(out, lines())
    return written
