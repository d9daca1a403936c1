"""A killable process pool for work on hostile text: a bomb costs its timeout, and nothing else.

A big power in sympy holds the interpreter's lock, so neither a thread nor an alarm can stop it; a process can
be killed.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from pebble import ProcessExpired, ProcessPool

from longthought.agents.errors import RewardError
from longthought.agents.rewards import pool_worker
from longthought.agents.rewards.pool_context import ScoringContext

Result = TypeVar("Result")

#: Bytes (UTF-8) of an answer; a longer one is not even sent to a worker.
MAX_ANSWER = 4096
#: Seconds of wall time for one task, from the moment a warm worker takes it.
TIMEOUT = 2.0
#: Tasks after which a worker is replaced, so that caches of other libraries cannot grow for ever.
_TASKS_PER_WORKER = 2000
_PRELOAD = "longthought.agents.rewards.pool_preload"


class ScoringPool:
    """Runs functions of this package on untrusted answers. Starts with the first call; ``close`` ends it.

    May be used from several event loops and threads, one after the other or at once.
    """

    def __init__(
        self, preload: Sequence[str] = (), workers: int | None = None, timeout: float = TIMEOUT
    ) -> None:
        self.timeout = timeout
        self.owner = os.getpid()
        self._preload = [_PRELOAD, *preload]
        self._workers = workers or max(1, min(8, len(os.sched_getaffinity(0))))
        self._lock = threading.Lock()
        self._context: ScoringContext | None = None
        self._pool: ProcessPool | None = None
        self._closings = 0
        self._open: set[Future[Any]] = set()
        # Pebble holds only a few tasks at a time: if its pipe filled up, a broken pool would strand them.
        self._slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    async def run(self, function: Callable[..., Result], answer: str, *arguments: Any) -> Result:
        """``function(answer, *arguments)`` in a worker. Function, arguments and result must pickle.

        Raises:
            RewardError: the answer is too long, or the task was killed, lost its worker, or raised.
        """
        size = len(answer.encode("utf-8", "surrogatepass"))
        if size > MAX_ANSWER:
            raise RewardError(f"the answer is too long: {size} bytes, at most {MAX_ANSWER} are scored")
        closings, attempts = self._closings, 0
        slots = self._slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(3 * self._workers))
        async with slots:
            while True:
                if self._closings != closings:
                    raise RewardError("the scoring pool was closed")
                try:
                    status, value = await self._attempt((function, (answer, *arguments), self.timeout))
                    break
                except RuntimeError as error:
                    # Pebble's pool is gone: closed, or taken down by another task's worker, for which this
                    # task is not to blame: it has a second try in a new pool.
                    attempts += 1
                    if attempts > 1:
                        raise RewardError("the scoring pool broke down") from error
        if status == "error":
            raise RewardError(str(value))
        return cast("Result", value)

    async def _attempt(self, task: tuple[Any, ...]) -> tuple[str, Any]:
        try:
            pool = self._pool
            if pool is None or not pool.active:
                # Starting waits for the server's imports, so it may not happen on the event loop.
                pool = await asyncio.to_thread(self._start)
            future = cast(
                "Future[tuple[str, Any]]", pool.schedule(pool_worker.call, task, timeout=self.timeout)
            )
            self._open.add(future)
            future.add_done_callback(self._open.discard)
            return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise RewardError(f"killed after {self.timeout:g} s") from error
        except ProcessExpired as error:
            raise RewardError(f"the scoring worker died (exit code {error.exitcode})") from error

    def close(self) -> None:
        """End all processes of the pool; what waits gets a RewardError. A later ``run`` starts afresh."""
        self._closings += 1
        with self._lock:
            self._end()

    def _start(self) -> ProcessPool:
        with self._lock:
            if self._pool is not None and self._pool.active:
                return self._pool
            self._end()
            self._context = ScoringContext(self._preload)
            self._context.start_server()
            pool = ProcessPool(
                max_workers=self._workers,
                max_tasks=_TASKS_PER_WORKER,
                initializer=pool_worker.start,
                initargs=(self._preload, self.timeout),
                context=cast("Any", self._context),
            )
            # The first task makes Pebble launch its workers, each waiting for the server's imports.
            pool.schedule(pool_worker.ready).result()
            self._pool = pool
            return pool

    def _end(self) -> None:
        pool, context, self._pool, self._context = self._pool, self._context, None, None
        if pool is None or context is None or self.owner != os.getpid():
            return
        cast("Any", pool).stop()
        pool.join()
        for future in list(self._open):
            if not future.done():
                future.set_exception(BrokenProcessPool("the pool ended"))
        context.stop_server()


_shared: dict[str, ScoringPool] = {}


def shared_pool(preload: str) -> ScoringPool:
    """This process's pool whose workers hold the module ``preload``. A forked child gets its own."""
    pool = _shared.get(preload)
    if pool is None or pool.owner != os.getpid():
        pool = _shared[preload] = ScoringPool([preload])
    return pool


def close_shared_pools() -> None:
    """End the processes of all shared pools. Also called when the interpreter exits."""
    for pool in _shared.values():
        pool.close()


# After Pebble's own handler was registered, so before it runs: its handler leaves the pool's threads behind.
atexit.register(close_shared_pools)
