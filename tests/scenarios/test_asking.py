"""Asking about solutions: stopped half-way it closes its journal in peace, and the same again goes on from there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from rich.console import Console

from longthought.agents.calls import outside
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward
from longthought.agents.thoughts import Path as Thoughts
from longthought.protocols.journal import read_events
from longthought.scenarios.asking import ask_in
from longthought.synth.labelled.record import LabelledSolution

SOLUTIONS = [LabelledSolution(id=str(i), question="?", steps=(f"{i}",), labels=(None,)) for i in range(5)]


class Slow(Reward):
    """Reads two steps, and then waits for ``go``."""

    name = "slow"
    asks_models = True

    def __init__(self) -> None:
        self.asked = 0
        self.go = asyncio.Event()
        self.waits = asyncio.Event()

    async def read(self, path: Thoughts) -> Reading:
        text = path.thoughts[-1].text
        data = await outside("read", text.encode(), lambda: self._read(text))
        return Reading(reward=self.name, value=data["value"])

    async def _read(self, text: str) -> dict[str, float]:
        if self.asked == 2:
            self.waits.set()
            await self.go.wait()
        self.asked += 1
        return {"value": float(text) / 10}


async def test_what_was_said_before_it_was_stopped_is_not_asked_again(tmp_path: Path) -> None:
    slow, quiet = Slow(), Console(quiet=True)

    async def ask() -> list[tuple[float | None, ...]]:
        said, progress = await ask_in(
            tmp_path / "out", "x", "labels", slow, SOLUTIONS, max_at_once=1, console=quiet
        )
        assert progress.done == len(SOLUTIONS)
        return [one.scores for one in said]

    asking = asyncio.create_task(ask())
    await slow.waits.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    closed = [e for e in read_events(tmp_path / "out" / "journal-0.jsonl") if e["kind"] == "closed"]
    assert [event["data"]["scores"] for event in closed] == [[0.0], [0.1]]
    slow.go.set()
    assert await ask() == [(i / 10,) for i in range(5)]
    assert slow.asked == 5
