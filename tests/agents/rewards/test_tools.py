"""Rewards as tools and as injected readings: journalled once, replayed, and never raising."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from autogen_core import CancellationToken

from longthought.agents.calls import recorder
from longthought.agents.errors import RewardError
from longthought.agents.models.contract import Usage
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward
from longthought.agents.rewards.tools import read_all, reward_tool, tool_schema
from longthought.agents.thoughts import Path, straight_path

PATH = straight_path(Problem(id="p", question="2+2?"), ["4"])


class Fixed(Reward):
    def __init__(self, name: str, said: Reading | Exception | None) -> None:
        self.name = name
        self.said = said
        self.reads = 0

    async def read(self, path: Path) -> Reading:
        self.reads += 1
        if self.said is None:
            await asyncio.Event().wait()
        if isinstance(self.said, Exception):
            raise self.said
        assert self.said is not None
        return self.said


class Tape:
    """A recorder that keeps everything in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}

    def key(self, digest: bytes) -> tuple[str, int]:
        return digest.hex(), 0

    def replay(self, key: str) -> Any | None:
        return self.kept.get(key)

    def record(self, key: str, kind: str, data: dict[str, Any], usage: Usage, calls: int = 1) -> None:
        assert kind == "read"
        self.kept[key] = data

    def failed(self, key: str, attempt: int, error: str, wait: float) -> None:
        raise AssertionError(error)


async def test_a_failing_or_hanging_reward_reads_unscored_and_the_others_stand() -> None:
    good = Reading(reward="good", value=0.5)
    rewards = [Fixed("bad", RewardError("no memory")), Fixed("good", good), Fixed("hung", None)]
    rewards.append(Fixed("down", ConnectionRefusedError("refused")))
    for reward in rewards:
        reward.timeout = 0.05
    readings = await read_all(rewards, PATH)
    assert [str(reading) for reading in readings] == [
        "bad: unscored (could not read: no memory)",
        "good: 0.50",
        "hung: unscored (no reading within 0.05 s)",
        "down: unscored (could not read: refused)",
    ]


async def test_where_one_fails_for_good_no_other_is_left_running() -> None:
    class Late(Fixed):
        async def read(self, path: Path) -> Reading:
            await asyncio.sleep(0.05)
            return await super().read(path)

    late = Late("late", Reading(reward="late", value=0.5))
    with pytest.raises(KeyError, match="broken plug-in"):
        await read_all([Fixed("bad", KeyError("broken plug-in")), late], PATH)
    assert late.reads == 1


async def test_readings_are_journalled_and_replayed() -> None:
    reward = Fixed("good", Reading(reward="good", label="incorrect", why="slip"))
    token = recorder.set(Tape())
    try:
        first = await read_all([reward], PATH)
        again = await read_all([reward], PATH)
        await read_all([reward], straight_path(PATH.problem, ["5"]))
    finally:
        recorder.reset(token)
    assert first == again == (reward.said,)
    assert reward.reads == 2


async def test_a_critic_gets_a_tool_without_arguments() -> None:
    tool = reward_tool(Fixed("good", Reading(reward="good", value=1.0, why="sure")), lambda: PATH)
    assert await tool.run_json({}, CancellationToken()) == "good: 1.00 (sure)"
    assert tool.schema.get("strict") is True
    function = tool_schema(Fixed("good", None))["function"]
    parameters = tool.schema.get("parameters")
    assert parameters is not None
    assert function["name"] == tool.name == "good"
    assert function["parameters"]["properties"] == parameters["properties"] == {}


@pytest.mark.parametrize("error", [ValueError("a bug"), AssertionError("a bug")])
async def test_a_bug_in_a_reward_is_not_hidden(error: Exception) -> None:
    with pytest.raises(type(error), match="a bug"):
        await read_all([Fixed("buggy", error)], PATH)
