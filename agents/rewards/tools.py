"""Rewards at the critic's side: tools that it may call, or readings made for it, always journalled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from autogen_core.tools import FunctionTool

from longthought.agents.at_once import at_once
from longthought.agents.calls import digest_of, made_of_calls, outside
from longthought.agents.errors import FatalModelError, ModelError, RewardError
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward
from longthought.agents.thoughts import Path

#: Seconds between two tries of a reward that fails, at first; doubled each time up to the second figure.
_WAITS = (0.25, 30.0)


async def read_all(rewards: Sequence[Reward], path: Path) -> tuple[Reading, ...]:
    """What all rewards say of ``path``, at once, each replayed if it is journalled.

    A reward that fails, cannot be reached or takes longer than its ``timeout`` is tried again for as long as its
    ``patience`` lasts; then it reads *unscored* and ``missing``, with the reason.
    """
    return tuple(await at_once(_read(reward, path) for reward in rewards))


async def read_steps(reward: Reward, path: Path) -> list[Reading]:
    """What a reward says of every step of a straight path, like ``read_all``; its timeout is for each step."""

    async def live() -> list[Reading]:
        readings = await _or_missing(reward, lambda: reward.read_steps(path), reward.timeout * path.depth)
        if len(readings) != path.depth:
            said = readings[0] if readings else Reading(reward=reward.name, why="no reading came back")
            readings = [said.model_copy(update={"value": None, "label": None})] * path.depth
        return readings

    return await _journalled(reward, _digest(reward, path, "every step"), live)


async def read_once(reward: Reward, path: Path) -> tuple[Reading, tuple[Reading, ...]]:
    """What ``reward`` says of ``path``, and the readings that had to be made for it: none if the thought has one."""
    there = path.walk[-1].readings if path.walk else ()
    known = next((reading for reading in there if reading.reward == reward.name), None)
    if known is not None:
        return known, ()
    made = await read_all([reward], path)
    return made[0], made


def reward_tool(reward: Reward, path_getter: Callable[[], Path]) -> FunctionTool:
    """The reward as an AutoGen tool without arguments: it reads the path that the critic is judging."""

    async def read() -> str:
        return str(await _read(reward, path_getter()))

    return FunctionTool(read, description=_description(reward), name=reward.name, strict=True)


def tool_schema(reward: Reward) -> dict[str, Any]:
    """The same tool in OpenAI's wire format, for seats that speak to a model directly."""
    return {
        "type": "function",
        "function": {
            "name": reward.name,
            "description": _description(reward),
            "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
            "strict": True,
        },
    }


async def _read(reward: Reward, path: Path) -> Reading:
    async def live() -> list[Reading]:
        return await _or_missing(reward, one, reward.timeout)

    async def one() -> list[Reading]:
        return [await reward.read(path)]

    (reading,) = await _journalled(reward, _digest(reward, path), live)
    return reading


async def _journalled(
    reward: Reward, digest: bytes, live: Callable[[], Awaitable[list[Reading]]]
) -> list[Reading]:
    async def call() -> dict[str, Any]:
        return {"readings": [reading.model_dump(exclude_defaults=True) for reading in await live()]}

    # Of one that asks models, every call is journalled too, and goes through the door by itself.
    data = await (made_of_calls if reward.asks_models else outside)("read", digest, call)
    return [Reading.model_validate(reading) for reading in data["readings"]]


async def _or_missing(
    reward: Reward, work: Callable[[], Awaitable[list[Reading]]], timeout: float
) -> list[Reading]:
    """The readings, or a single missing one that says why there are none."""
    until = time.monotonic() + reward.patience
    wait = _WAITS[0]
    while True:
        try:
            async with asyncio.timeout(timeout):
                return await work()
        except FatalModelError:
            raise
        except TimeoutError:
            why = f"no reading within {timeout:g} s"
        except (RewardError, ModelError, OSError) as error:
            why = f"could not read: {error}"[:300]
        left = until - time.monotonic()
        if left <= 0:
            return [Reading(reward=reward.name, why=why, missing=True)]
        await asyncio.sleep(min(wait, left))
        wait = min(2 * wait, _WAITS[1])


def _digest(reward: Reward, path: Path, *more: str) -> bytes:
    said = [(thought.id, thought.text, thought.answer) for thought in path.thoughts]
    return digest_of(reward.name, path.problem.id, path.problem.question, said, *more)


def _description(reward: Reward) -> str:
    return f"Reward model {reward.name} on the last step of the solution: a value from 0 to 1, or a label."
