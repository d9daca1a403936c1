"""The one thread that owns a local model: requests of event loops in, sampled together, futures settled."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Protocol

from longthought.agents.errors import FatalModelError, LongthoughtError
from longthought.agents.models.contract import Message, Reply, Sampling


@dataclass(eq=False)
class Request:
    """``n`` replies to ``messages`` are wanted; cancel the future to withdraw."""

    messages: list[Message]
    sampling: Sampling
    n: int
    future: Future[list[Reply]] = field(default_factory=Future[list[Reply]])
    replies: dict[int, Reply] = field(default_factory=dict[int, Reply])

    def fail(self, error: LongthoughtError) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


class Batch(Protocol):
    """What the thread drives; ``request_batch.RequestBatch`` is the one there is."""

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        ...

    def take(self, request: Request) -> None:
        """Queue a request, or fail it."""
        ...

    def advance(self) -> None:
        """Sample one token for all that run and settle what has ended."""
        ...

    def fail_all(self, error: LongthoughtError) -> None:
        """Fail what waits or runs, and start anew."""
        ...


class DecoderThread:
    """Starts, and loads the model, at the first request. Two threads may use neither model nor tokenizer."""

    def __init__(self, load: Callable[[], Batch], name: str) -> None:
        self._load, self._name = load, name
        self._inbox = SimpleQueue[Request | None]()
        self._thread: Thread | None = None

    def submit(self, request: Request) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._run, name=f"model {self._name}", daemon=True)
            self._thread.start()
        self._inbox.put(request)

    def stop(self) -> None:
        """Fail what is waiting and end the thread."""
        if self._thread is not None:
            self._inbox.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        try:
            batch = self._load()
        except Exception as error:  # any failure to load fails the requests, never just this thread
            reason = error if isinstance(error, LongthoughtError) else _engine_failed(self._name, error)
            while (request := self._inbox.get()) is not None:
                request.fail(type(reason)(*reason.args))
            return
        while self._receive(batch):
            try:
                batch.advance()
            except Exception as error:
                batch.fail_all(_engine_failed(self._name, error))
        batch.fail_all(FatalModelError(f"{self._name} was closed"))

    def _receive(self, batch: Batch) -> bool:
        """Take all requests that came, waiting for one if there is nothing to do; False when told to stop."""
        try:
            request = self._inbox.get(block=batch.idle)
            while request is not None:
                batch.take(request)
                request = self._inbox.get_nowait()
        except Empty:
            return True
        return False


def _engine_failed(name: str, error: Exception) -> FatalModelError:
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return FatalModelError(f"{name}: the engine failed (lower max_batch if memory ran out): {reason}")
