"""Rewards at the critic's side: tools that it may call, or readings made for it, always journalled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from autogen_core.tools import FunctionTool

from longthought.agents.calls import digest_of, outside
from longthought.agents.errors import RewardError
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward
from longthought.agents.thoughts import Path

#: Seconds a reward may take before the verdict is made without it.
READ_TIMEOUT = 60.0


async def read_all(
    rewards: Sequence[Reward], path: Path, timeout: float = READ_TIMEOUT
) -> tuple[Reading, ...]:
    """What all rewards say of ``path``, at once, each replayed if it is journalled.

    A reward that fails, cannot be reached or takes longer than ``timeout`` seconds reads *unscored*, with the
    reason.
    """
    return tuple(await asyncio.gather(*(_read(reward, path, timeout) for reward in rewards)))


async def read_steps(reward: Reward, path: Path, timeout: float = READ_TIMEOUT) -> list[Reading]:
    """What a reward says of every step of a straight path, like ``read_all``; ``timeout`` is for each step."""

    async def live() -> dict[str, Any]:
        readings = await _or_unscored(reward, reward.read_steps(path), timeout * path.depth)
        if len(readings) != path.depth:
            readings = [Reading(reward=reward.name, why=readings[0].why if readings else "")] * path.depth
        return {"readings": [reading.model_dump(exclude_defaults=True) for reading in readings]}

    told = await outside("read", _digest(reward, path, "every step"), live)
    return [Reading.model_validate(reading) for reading in told["readings"]]


def reward_tool(reward: Reward, path_getter: Callable[[], Path]) -> FunctionTool:
    """The reward as an AutoGen tool without arguments: it reads the path that the critic is judging."""

    async def read() -> str:
        return str(await _read(reward, path_getter(), READ_TIMEOUT))

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


async def _read(reward: Reward, path: Path, timeout: float) -> Reading:
    async def live() -> dict[str, Any]:
        (reading,) = await _or_unscored(reward, _one(reward, path), timeout)
        return reading.model_dump(exclude_defaults=True)

    return Reading.model_validate(await outside("read", _digest(reward, path), live))


async def _one(reward: Reward, path: Path) -> list[Reading]:
    return [await reward.read(path)]


async def _or_unscored(
    reward: Reward, work: Coroutine[Any, Any, list[Reading]], timeout: float
) -> list[Reading]:
    """The readings, or a single unscored one that says why there are none."""
    try:
        async with asyncio.timeout(timeout):
            return await work
    except TimeoutError:
        return [Reading(reward=reward.name, why=f"no reading within {timeout:g} s")]
    except (RewardError, OSError) as error:
        return [Reading(reward=reward.name, why=f"could not read: {error}"[:300])]


def _digest(reward: Reward, path: Path, *more: str) -> bytes:
    said = [(thought.id, thought.text, thought.answer) for thought in path.thoughts]
    return digest_of(reward.name, path.problem.id, path.problem.question, said, *more)


def _description(reward: Reward) -> str:
    return f"Reward model {reward.name} on the last step of the solution: a value from 0 to 1, or a label."
