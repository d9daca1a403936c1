"""A crew that works off a queue: a worker for each place, the first error of ours stops all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeVar, cast

from longthought.agents.errors import LongthoughtError

_T = TypeVar("_T")


async def work_off(queue: Iterable[_T], work: Callable[[_T], Awaitable[None]], places: int) -> None:
    """Do ``work`` on everything in the queue, at most ``places`` at once.

    Cancelling the task stops the rest, and so does the first error; of several, one of ours is raised.
    """
    # A worker per place rather than a task per item: what waits costs nothing before it starts.
    waiting = iter(queue)

    async def worker() -> None:
        for item in waiting:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(places):
                group.create_task(worker())
    except BaseExceptionGroup as errors:
        flat = list(_leaves(errors))
        raise next((error for error in flat if isinstance(error, LongthoughtError)), flat[0]) from None


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _leaves(inner)
    else:
        yield error
