"""The one door through which every outside call goes: replayed if journalled, retried if it fails, journalled at once.

Seats hold no debate state, so the recorder of the debate that is being played travels in a context variable, which
asyncio copies into every task. Without a recorder (a seat used by itself, an AutoGen team) calls are only retried.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import orjson
import tenacity

from longthought.agents.errors import FatalModelError, RefusedError, RetryableError
from longthought.agents.models.contract import Message, Model, Reply, Sampling, ToolMessage, Usage
from longthought.agents.refusals import failed, refused, replied


class Recorder(Protocol):
    """What a debate keeps of its outside calls. Implemented by ``protocols.tape``."""

    def key(self, digest: bytes) -> tuple[str, int]:
        """A key for this occurrence of the digest within the debate, and the seed that goes with it."""
        ...

    def replay(self, key: str) -> Any | None:
        """The journalled data of an earlier run's call, or None when it must be made."""
        ...

    def record(self, key: str, kind: str, data: dict[str, Any], usage: Usage, calls: int = 1) -> None:
        """Journal a finished call, which counts as so many."""
        ...

    def failed(self, key: str, attempt: int, error: str, wait: float) -> None:
        """Journal a failed attempt."""
        ...


recorder: ContextVar[Recorder | None] = ContextVar("longthought_recorder", default=None)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When to give up. Waits are jittered exponential unless the server says otherwise; seconds throughout."""

    max_attempts: int = 12
    first_wait: float = 0.5
    longest_wait: float = 60.0
    #: A server that asks for a longer pause than this is given up on.
    max_retry_after: float = 600.0


retry_policy: ContextVar[RetryPolicy] = ContextVar(
    "longthought_retry_policy",
    default=RetryPolicy(),  # noqa: B039  (it is frozen)
)

#: Monotonic time before which an engine takes no new attempt, because its server asked for a pause.
_parked: WeakKeyDictionary[Model, float] = WeakKeyDictionary()


async def sample(
    model: Model, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int = 1
) -> list[Reply]:
    """``model.sample`` through the door: replayed, seeded, retried, journalled.

    Raises what ``Model.sample`` raises; RetryableError only once the retry policy is used up, and OutageError in its
    place if the model answers nothing else either.
    """
    tape = recorder.get()
    if tape is None:
        return await _ask(model, messages, sampling, n, None, "")
    key, seed = tape.key(_digest(model.name, messages, sampling, n))
    past = tape.replay(key)
    if past is not None:
        replies = [Reply.from_json(row) for row in past["replies"]]
        tape.record(key, "sampled", past, _sum(replies))
        return replies
    seeded = sampling if sampling.seed is not None else replace(sampling, seed=seed)
    started = time.monotonic()
    replies = await _ask(model, messages, seeded, n, tape, key)
    data = {
        "model": model.name,
        "seed": seeded.seed,
        "replies": [reply.to_json() for reply in replies],
        "seconds": round(time.monotonic() - started, 4),
    }
    tape.record(key, "sampled", data, _sum(replies))
    return replies


async def outside(kind: str, digest: bytes, live: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Any other outside call (a reward's reading, a foreign agent's turn) through the same door; ``live`` returns JSON.

    A ``usage`` entry ``{"prompt": …, "completion": …}`` in the result is counted as the seat's tokens.
    """
    tape = recorder.get()
    if tape is None:
        return await live()
    key, _ = tape.key(kind.encode() + digest)
    data = tape.replay(key)
    if data is None:
        data = await live()
    usage: dict[str, int] = data.get("usage") or {}
    tape.record(key, kind, data, Usage(usage.get("prompt", 0), usage.get("completion", 0)))
    return data


async def made_of_calls(
    kind: str, digest: bytes, live: Callable[[], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    """What comes of several calls through the door, as JSON; each of them is journalled, and so is what comes of them.

    How many there are may depend on the time (a reading that is tried again for as long as patience lasts), so one that
    is journalled is not put together again, and its calls are counted as they were.
    """
    tape = recorder.get()
    if tape is None:
        return await live()
    key, _ = tape.key(kind.encode() + digest)
    past = tape.replay(key)
    if past is None:
        counted = _Apart(tape, key)
        with _recording(counted):
            data = await live()
        made_of = {"calls": counted.calls, "usage": asdict(counted.usage)}
        tape.record(key, kind, {**data, "made_of": made_of}, Usage(), calls=0)
        return data
    there: dict[str, Any] = past
    tape.record(key, kind, there, Usage(**there["made_of"]["usage"]), calls=there["made_of"]["calls"])
    return there


@contextmanager
def keyed_apart(name: str) -> Generator[None]:
    """Key the calls made within under ``name`` too: askers that ask the same at once never swap their replies."""
    tape = recorder.get()
    with nullcontext() if tape is None else _recording(_Apart(tape, name)):
        yield


@contextmanager
def _recording(by: Recorder) -> Generator[None]:
    token = recorder.set(by)
    try:
        yield
    finally:
        recorder.reset(token)


class _Apart:
    """A recorder that passes everything on, digests made apart by a name, and counts what goes through it."""

    def __init__(self, tape: Recorder, name: str) -> None:
        self._tape, self._name = tape, name.encode()
        self.usage, self.calls = Usage(), 0

    def key(self, digest: bytes) -> tuple[str, int]:
        return self._tape.key(blake2b(digest + self._name, digest_size=12).digest())

    def replay(self, key: str) -> Any | None:
        return self._tape.replay(key)

    def record(self, key: str, kind: str, data: dict[str, Any], usage: Usage, calls: int = 1) -> None:
        self.usage += usage
        self.calls += calls
        self._tape.record(key, kind, data, usage, calls)

    def failed(self, key: str, attempt: int, error: str, wait: float) -> None:
        self._tape.failed(key, attempt, error, wait)


def digest_of(*parts: object) -> bytes:
    """A digest of JSON-able parts; dataclasses and pydantic dumps included."""
    return blake2b(orjson.dumps(parts, default=repr), digest_size=12).digest()


def _digest(model: str, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int) -> bytes:
    # As tuples, which orjson writes ten times faster than dataclasses with slots.
    said = [(m.role, m.content) if isinstance(m, Message) else m.wire for m in messages]
    return blake2b(orjson.dumps((model, said, sampling, n)), digest_size=12).digest()


def _sum(replies: Sequence[Reply]) -> Usage:
    total = Usage()
    for reply in replies:
        total += reply.usage
    return total


async def _ask(
    model: Model,
    messages: Sequence[Message | ToolMessage],
    sampling: Sampling,
    n: int,
    tape: Recorder | None,
    key: str,
) -> list[Reply]:
    try:
        replies = await _with_retries(lambda: model.sample(messages, sampling, n), model, tape, key)
    except RefusedError as error:
        raise await refused(model, sampling, error) from error
    except RetryableError as error:
        raise await failed(model, sampling, error) from error
    replied(model)
    return replies


async def _with_retries(
    attempt: Callable[[], Awaitable[list[Reply]]], model: Model, tape: Recorder | None, key: str
) -> list[Reply]:
    await _unpark(model)
    try:
        return await attempt()
    except RetryableError as first:
        # tenacity costs 0.1 ms a call, so it only enters where something went wrong.
        return await _keep_trying(attempt, model, tape, key, first)


async def _keep_trying(
    attempt: Callable[[], Awaitable[list[Reply]]],
    model: Model,
    tape: Recorder | None,
    key: str,
    first: RetryableError,
) -> list[Reply]:
    policy = retry_policy.get()
    backoff = tenacity.wait_random_exponential(multiplier=policy.first_wait, max=policy.longest_wait)
    pending: RetryableError | None = first

    async def once() -> list[Reply]:
        nonlocal pending
        if pending is not None:  # the attempt that brought us here counts as the first
            error, pending = pending, None
            raise error
        await _unpark(model)
        return await attempt()

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, RetryableError) else None
        if asked is None:
            return float(backoff(state))
        if asked > policy.max_retry_after:
            raise FatalModelError(
                f"{model.name}: the server asks for a pause of {asked:.0f} s, longer than "
                f"--max-retry-after {policy.max_retry_after:.0f}"
            ) from error
        _parked[model] = max(_parked.get(model, 0.0), time.monotonic() + asked)
        return asked

    def over(state: tenacity.RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        worth = error.attempts if isinstance(error, RetryableError) else None
        if state.attempt_number < min(policy.max_attempts, worth or policy.max_attempts):
            return False
        note(state)
        return True

    def note(state: tenacity.RetryCallState) -> None:
        if tape is not None and state.outcome is not None:
            tape.failed(
                key,
                state.attempt_number,
                str(state.outcome.exception()),
                state.next_action.sleep if state.next_action else 0.0,
            )

    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(RetryableError),
        stop=over,
        wait=wait,
        before_sleep=note,
        reraise=True,
    )
    return await retrying(once)


async def _unpark(model: Model) -> None:
    while _parked and (pause := _parked.get(model, 0.0) - time.monotonic()) > 0:
        await asyncio.sleep(pause)
