"""The one door: what is journalled is not asked again, what fails is; seeds come from the debate."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from longthought.agents import calls
from longthought.agents.calls import RetryPolicy, digest_of, made_of_calls, outside, sample
from longthought.agents.errors import ContextLengthError, FatalModelError, OutageError, RetryableError
from longthought.agents.models.contract import Message, Reply, Sampling, Usage
from longthought.agents.models.scripted import ScriptedModel

ASK = [Message("user", "Next step?")]


class Tape:
    """A debate's recorder in memory; given another's ``calls`` it replays them."""

    def __init__(self, past: dict[str, Any] | None = None) -> None:
        self.past = past or {}
        self.calls: dict[str, Any] = {}
        self.kinds: list[str] = []
        self.used = Usage()
        self.count = 0
        self.failures: list[tuple[int, str]] = []
        self._seen: Counter[bytes] = Counter()

    def key(self, digest: bytes) -> tuple[str, int]:
        self._seen[digest] += 1
        return f"{digest.hex()}-{self._seen[digest]}", 1000 + self._seen.total()

    def replay(self, key: str) -> Any | None:
        return self.past.get(key)

    def record(self, key: str, kind: str, data: dict[str, Any], usage: Usage, calls: int = 1) -> None:
        self.count += calls
        self.calls[key] = data
        self.kinds.append(kind)
        self.used += usage

    def failed(self, key: str, attempt: int, error: str, wait: float) -> None:
        self.failures.append((attempt, error))


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    policy = calls.retry_policy.set(RetryPolicy(max_attempts=4, first_wait=0.001, longest_wait=0.002))
    yield
    calls.retry_policy.reset(policy)


@pytest.fixture
def tape() -> Iterator[Tape]:
    fresh = Tape()
    token = calls.recorder.set(fresh)
    yield fresh
    calls.recorder.reset(token)


async def test_a_call_is_seeded_by_the_debate_and_journalled(tape: Tape) -> None:
    model = ScriptedModel(["a step here"])
    (reply,) = await sample(model, ASK, Sampling())
    assert reply.text == "a step here"
    ((_, sampling, _),) = model.requests
    assert sampling.seed == 1001
    (data,) = tape.calls.values()
    assert (data["model"], data["seed"]) == ("scripted", 1001)
    assert [Reply.from_json(row) for row in data["replies"]] == [reply]
    assert tape.used == Usage(prompt=2, completion=3)


async def test_a_seed_of_the_callers_own_is_kept(tape: Tape) -> None:
    model = ScriptedModel(["a"])
    await sample(model, ASK, Sampling(seed=5))
    assert model.requests[0][1].seed == 5


async def test_the_same_question_twice_is_two_calls_with_two_seeds(tape: Tape) -> None:
    model = ScriptedModel(["a", "b"])
    first, second = await sample(model, ASK, Sampling()), await sample(model, ASK, Sampling())
    assert [first[0].text, second[0].text] == ["a", "b"]
    assert len({request[1].seed for request in model.requests}) == 2


async def test_replay_asks_nothing_and_counts_the_same(tape: Tape) -> None:
    model = ScriptedModel(["a", Reply("b", "length", Usage(9, 8, 7), "why", (1,), (-0.5,))])
    told = [await sample(model, ASK, Sampling()), await sample(model, ASK, Sampling(), 1)]
    again = Tape(tape.calls)
    calls.recorder.set(again)
    silent = ScriptedModel([])
    assert [await sample(silent, ASK, Sampling()), await sample(silent, ASK, Sampling(), 1)] == told
    assert not silent.requests
    assert again.used == tape.used
    assert again.calls == tape.calls


async def test_another_question_is_not_taken_for_the_journalled_one(tape: Tape) -> None:
    await sample(ScriptedModel(["a"]), ASK, Sampling())
    calls.recorder.set(Tape(tape.calls))
    for messages, sampling, n, name in [
        ([Message("user", "Other?")], Sampling(), 1, "scripted"),
        (ASK, Sampling(temperature=0), 1, "scripted"),
        (ASK, Sampling(), 2, "scripted"),
        (ASK, Sampling(), 1, "another"),
    ]:
        model = ScriptedModel(lambda messages, sampling: "new", name)
        assert (await sample(model, messages, sampling, n))[0].text == "new"


async def test_failed_attempts_are_journalled_then_the_call(tape: Tape) -> None:
    model = ScriptedModel([RetryableError("busy"), RetryableError("still busy"), "at last"])
    (reply,) = await sample(model, ASK, Sampling())
    assert reply.text == "at last"
    assert tape.failures == [(1, "busy"), (2, "still busy")]
    assert len({request[1].seed for request in model.requests}) == 1
    assert len(tape.calls) == 1


async def test_retries_end(tape: Tape) -> None:
    model = ScriptedModel([RetryableError(f"busy {i}") for i in range(9)])
    with pytest.raises(OutageError, match="busy 3; it does not answer a plain greeting either"):
        await sample(model, ASK, Sampling())
    assert [attempt for attempt, _ in tape.failures] == [1, 2, 3, 4]
    assert len(model.requests) == 5
    assert not tape.calls


async def test_a_prompt_that_alone_fails_is_no_outage(tape: Tape) -> None:
    model = ScriptedModel([*[RetryableError("busy")] * 4, "hello to you"])
    with pytest.raises(RetryableError, match="busy"):
        await sample(model, ASK, Sampling())


async def test_some_failures_are_worth_few_attempts(tape: Tape) -> None:
    model = ScriptedModel([RetryableError("filtered", attempts=2)] * 9)
    with pytest.raises(RetryableError, match="filtered"):
        await sample(model, ASK, Sampling())
    assert len(model.requests) == 2


async def test_what_comes_of_calls_is_counted_again_and_not_made_again(tape: Tape) -> None:
    model = ScriptedModel(["one two", "three"])

    async def live() -> dict[str, Any]:
        return {"said": [(await sample(model, ASK, Sampling()))[0].text for _ in range(2)]}

    first = await made_of_calls("read", b"digest", live)
    again = Tape(tape.calls)
    calls.recorder.set(again)
    replayed = await made_of_calls("read", b"digest", live)
    assert replayed["said"] == first["said"] == ["one two", "three"]
    assert len(model.requests) == 2
    assert (again.used, again.count) == (tape.used, tape.count) == (Usage(4, 3), 2)


@pytest.mark.parametrize("error", [ContextLengthError("too long"), FatalModelError("wrong key")])
async def test_some_errors_are_not_retried(error: Exception) -> None:
    model = ScriptedModel([error, "never said"])
    with pytest.raises(type(error)):
        await sample(model, ASK, Sampling())
    assert len(model.requests) == 1


async def test_without_a_debate_calls_are_only_retried() -> None:
    model = ScriptedModel([RetryableError("busy"), "fine"])
    (reply,) = await sample(model, ASK, Sampling())
    assert reply.text == "fine"
    assert model.requests[0][1].seed is None


async def test_a_pause_that_the_server_asks_for_holds_for_every_debate() -> None:
    model = ScriptedModel([RetryableError("slow down", retry_after=0.2), "first", "second"])
    started = time.monotonic()
    one = asyncio.create_task(sample(model, ASK, Sampling()))
    await asyncio.sleep(0)  # lets it run up to its pause
    await sample(model, ASK, Sampling())  # another debate on the same engine
    assert time.monotonic() - started >= 0.2
    await one


async def test_too_long_a_pause_ends_the_run() -> None:
    model = ScriptedModel([RetryableError("slow down", retry_after=601), "never said"])
    with pytest.raises(FatalModelError, match="601 s, longer than --max-retry-after 600"):
        await sample(model, ASK, Sampling())


async def test_other_outside_calls_are_journalled_replayed_and_counted(tape: Tape) -> None:
    made = 0

    async def read() -> dict[str, Any]:
        nonlocal made
        made += 1
        return {"value": 0.5, "usage": {"prompt": 3, "completion": 4}}

    digest = digest_of("rule", ["path"])
    first = await outside("reading", digest, read)
    assert tape.used == Usage(3, 4)
    assert tape.kinds == ["reading"]
    again = Tape(tape.calls)
    calls.recorder.set(again)
    assert await outside("reading", digest, read) == first
    assert made == 1
    assert again.used == Usage(3, 4)


async def test_two_kinds_of_outside_call_with_one_digest_are_two_calls(tape: Tape) -> None:
    async def one() -> dict[str, Any]:
        return {"said": 1}

    async def two() -> dict[str, Any]:
        return {"said": 2}

    assert await outside("reading", b"x", one) == {"said": 1}
    assert await outside("turn", b"x", two) == {"said": 2}
    assert len(tape.calls) == 2


async def test_outside_calls_without_a_debate_are_simply_made() -> None:
    async def live() -> dict[str, Any]:
        return {"value": 1}

    assert await outside("reading", b"x", live) == {"value": 1}


def test_digests_tell_parts_apart() -> None:
    assert digest_of("a", Message("user", "b")) == digest_of("a", Message("user", "b"))
    assert digest_of("a", "b") != digest_of("ab")
