"""Scenarios over a scripted model that adds two numbers, as files; the tests of the launcher share them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from longthought.agents.models.contract import Message, Reply, Sampling, ToolMessage
from longthought.agents.models.scripted import ScriptedModel
from longthought.scenarios.load import Loaded, load_scenario
from longthought.scenarios.run import RunOptions

#: Requests of all models made here, in this process.
asked: list[str] = []


class Adder(ScriptedModel):
    """Both seats: a first step, a second one that the critic sends back, another, then the sum."""

    def __init__(self, pause: float = 0.0, name: str = "adder") -> None:
        super().__init__(_say, name)
        self._pause = pause

    async def sample(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int = 1
    ) -> list[Reply]:
        asked.append(self.name)
        await asyncio.sleep(self._pause)
        return await super().sample(messages, sampling, n)


async def until_asked(times: int) -> None:
    """Wait until the models made here were asked so often."""
    while len(asked) < times:
        await asyncio.sleep(0.0005)


class Stubborn(Adder):
    """Does not let itself be cancelled."""

    async def sample(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int = 1
    ) -> list[Reply]:
        try:
            return await super().sample(messages, sampling, n)
        except asyncio.CancelledError:
            await asyncio.sleep(60)
            raise


def _say(messages: Sequence[Message | ToolMessage], sampling: Sampling) -> str:
    said = [message for message in messages if isinstance(message, Message)]
    last = said[-1].content
    if "Critic: judge" in last:
        if "Answer:" in last:
            return "terminate solved"
        return "backtrack 1: that leads nowhere" if "nowhere" in last else "continue"
    turns = sum(message.role == "assistant" for message in said)
    left, right = re.findall(r"(\d+)\+(\d+)", said[1].content)[0]
    return ["take the first", "go nowhere", "add the second", f"Answer: {int(left) + int(right)}"][
        min(turns, 3)
    ]


def scenario(**changes: Any) -> dict[str, Any]:
    """A scenario of eight debates, with ``changes`` on top."""
    return {
        "name": "sums",
        "dataset": {"kind": "file", "path": "sums.jsonl", "scorer": "exact"},
        "models": {"adder": {"engine": "tests.scenarios.scripted_scenarios:Adder"}},
        "seats": {"policy": {"model": "adder"}, "critic": {"model": "adder"}},
        "budget": {"turns": 8},
        "epochs": 2,
        **changes,
    }


def write(directory: Path, problems: int = 4, **changes: Any) -> Path:
    """The scenario and its problems as files; the path of the scenario."""
    rows = [f'{{"question": "What is {i}+{i + 1}?", "answer": "{2 * i + 1}"}}\n' for i in range(problems)]
    (directory / "sums.jsonl").write_text("".join(rows))
    file = directory / "sums.yaml"
    file.write_text(yaml.safe_dump(scenario(**changes), sort_keys=False))
    return file


def load(directory: Path, *sets: str, problems: int = 4, **changes: Any) -> Loaded:
    return load_scenario(str(write(directory, problems, **changes)), sets)


def options(directory: Path, **changes: Any) -> RunOptions:
    return RunOptions(run_dir=directory / "run", allow_import=True, **changes)
