"""Jobs stopped half-way: what is under way ends before the journal does, and the same again goes on from there."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from longthought.agents.calls import outside
from longthought.agents.errors import UsageError
from longthought.scenarios.jobs import Done, Job, Row, do_jobs, take_work, write_rows
from longthought.scenarios.take_dir import MARK


class Slow:
    """Jobs of one question each. The third one waits for ``go``; stopped there, it takes its time to end."""

    def __init__(self) -> None:
        self.ended = False
        self.asked: list[int] = []
        self.go, self.waits = asyncio.Event(), asyncio.Event()

    def jobs(self) -> list[Job]:
        return [Job(number, f"job {number}", number, partial(self._play, number)) for number in range(5)]

    async def _play(self, number: int) -> Row:
        return await outside("read", b"%d" % number, lambda: self._answer(number))

    async def _answer(self, number: int) -> dict[str, Any]:
        if number == 2:
            self.waits.set()
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                await asyncio.sleep(0.05)
                self.ended = True
                raise
        self.asked.append(number)
        return {"number": number}


async def work(slow: Slow, place: Path) -> Done:
    return await do_jobs(slow.jobs(), 5, place, "seat", 1, Console(quiet=True))


async def test_what_is_under_way_ends_before_its_journal_is_closed(tmp_path: Path) -> None:
    slow = Slow()
    working = asyncio.create_task(work(slow, tmp_path))
    await slow.waits.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert slow.ended
    slow.go.set()
    done = await work(slow, tmp_path)
    assert (done.before, done.now) == (2, 3)
    assert slow.asked == [0, 1, 2, 3, 4]
    assert write_rows(tmp_path, tmp_path / "rows.jsonl") == 5


async def test_one_of_our_errors_is_raised_alone(tmp_path: Path) -> None:
    async def play() -> Row:
        raise UsageError("no")

    with pytest.raises(UsageError, match="no"):
        await do_jobs([Job(0, "a", 0, play)], 1, tmp_path, "seat", 1, Console(quiet=True))


def test_a_directory_that_was_left_with_half_a_mark_is_taken(tmp_path: Path) -> None:
    place = tmp_path / "rows.jsonl.work"
    place.mkdir()
    (place / f"{MARK}.partial").write_text("ro")
    assert take_work(tmp_path / "rows.jsonl", "mine", "rows") == place
    with pytest.raises(UsageError, match="holds rows of something else"):
        take_work(tmp_path / "rows.jsonl", "yours", "rows")
