"""Every row of the fault matrix, committed by a real server on loopback, seen through ``agents.calls``."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import ClientHttpProxyError, RequestInfo
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from longthought.agents import calls
from longthought.agents.calls import RetryPolicy
from longthought.agents.errors import (
    ContextLengthError,
    FatalModelError,
    ModelError,
    OutageError,
    RefusedError,
    RetryableError,
    UsageError,
)
from longthought.agents.models.contract import Message, Reply, Sampling, Usage
from longthought.agents.models.loopback import LoopbackServer
from longthought.agents.models.loopback_faults import Fault, FaultKind
from longthought.agents.models.openai_http import OpenAIModel
from longthought.agents.models.wire_address import bearer_headers, endpoint_url
from longthought.agents.models.wire_errors import Endpoint, retry_after, transport_error

ASK = [Message("user", "Next step?")]
KEY = "sk-very-secret-0123456789"

RETRYABLE = [
    Fault("status", 408),
    Fault("status", 409),
    Fault("status", 429),
    Fault("status", 500),
    Fault("status", 502),
    Fault("status", 503),
    Fault("reset"),
    Fault("short_body"),
    Fault("hang"),
    Fault("broken_json"),
    Fault("empty"),
    Fault("html"),
    Fault("error_in_200"),
    Fault("no_choices"),
    Fault("null_content"),
    Fault("finish", finish="abort"),
    Fault("finish", finish="repetition"),
    Fault("finish", finish="content_filter"),
]


class Journal:
    """A recorder that keeps failed attempts and finished calls."""

    def __init__(self) -> None:
        self.failures: list[tuple[int, str, float]] = []
        self.calls: list[dict[str, Any]] = []

    def key(self, digest: bytes) -> tuple[str, int]:
        return digest.hex(), 11

    def replay(self, key: str) -> Any | None:
        return None

    def record(self, key: str, kind: str, data: dict[str, Any], usage: Usage, calls: int = 1) -> None:
        self.calls.append(data)

    def failed(self, key: str, attempt: int, error: str, wait: float) -> None:
        self.failures.append((attempt, error, wait))


@pytest.fixture(autouse=True)
async def journal() -> AsyncIterator[Journal]:
    kept = Journal()
    tape = calls.recorder.set(kept)
    quick = calls.retry_policy.set(RetryPolicy(max_attempts=4, first_wait=0.001, longest_wait=0.01))
    yield kept
    calls.retry_policy.reset(quick)
    calls.recorder.reset(tape)


class Server(LoopbackServer):
    """Says what the list says, then "done" for ever; asked through the door."""

    def __init__(self, *said: str | Reply | Fault, **settings: Any) -> None:
        script = iter(said)
        super().__init__(lambda body: next(script, "done"), **settings)

    async def ask(self, n: int = 1, attempt_timeout: float = 30, **settings: Any) -> list[Reply]:
        model = OpenAIModel("loopback", self.base_url, KEY, attempt_timeout=attempt_timeout, **settings)
        try:
            return await calls.sample(model, ASK, Sampling(), n)
        finally:
            await model.close()


def name_of(fault: Fault) -> str:
    return f"{fault.kind}-{fault.status}" if fault.kind == "status" else f"{fault.kind}-{fault.finish}"


@pytest.mark.parametrize("fault", RETRYABLE, ids=name_of)
async def test_a_passing_fault_is_retried_and_each_attempt_journalled(fault: Fault, journal: Journal) -> None:
    times = _tries(fault, 3) - 1
    async with Server(*[fault] * times) as server:
        (reply,) = await server.ask(attempt_timeout=0.5 if fault.kind == "hang" else 30)
    assert reply.text == "done"
    assert [attempt for attempt, _, _ in journal.failures] == list(range(1, times + 1))
    assert all(server.base_url in error for _, error, _ in journal.failures)
    assert len(server.requests) == times + 1
    assert len(journal.calls) == 1


@pytest.mark.parametrize("fault", RETRYABLE, ids=name_of)
async def test_a_lasting_fault_is_an_outage_when_the_retries_are_used_up(
    fault: Fault, journal: Journal
) -> None:
    filtered = fault.kind == "finish"
    async with Server(*[fault] * 10) as server:
        with pytest.raises(RetryableError if filtered else OutageError):
            await server.ask(attempt_timeout=0.05 if fault.kind == "hang" else 30)
    tries = _tries(fault, 4)
    # A plain greeting is tried as well, unless the server has answered.
    assert len(server.requests) == (tries if filtered else tries + 1)
    assert [attempt for attempt, _, _ in journal.failures] == list(range(1, tries + 1))
    assert not journal.calls


async def test_what_only_one_prompt_meets_is_no_outage(journal: Journal) -> None:
    async with Server(*[Fault("status", 500)] * 4) as server:
        with pytest.raises(RetryableError, match="answered 500"):
            await server.ask()
    assert len(server.requests) == 5


def _tries(fault: Fault, most: int) -> int:
    """Attempts that the fault is worth, of so many: a filter or an abort is tried twice."""
    return 2 if fault.kind == "finish" else most


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Fault("context"), ContextLengthError, "prompt is too long"),
        (Fault("status", 413, message="Request too large"), ContextLengthError, "too large"),
        (Fault("status", 400, message="API key not valid."), FatalModelError, "key not valid"),
        (Fault("status", 400, message="The model `m` does not exist"), FatalModelError, "not exist"),
        (Fault("status", 400, message="Your credit balance is too low"), FatalModelError, "credit"),
        (Fault("status", 401, message=f"Incorrect API key: {KEY}"), FatalModelError, "refused the API key"),
        (Fault("status", 403), FatalModelError, "forbids model loopback"),
        (Fault("status", 404), FatalModelError, "base_url"),
        (Fault("status", 307), FatalModelError, "redirects"),
        (Fault("status", 429, message="insufficient_quota"), FatalModelError, "no credit"),
        (
            Fault("error_in_200", message="maximum context length is 9 tokens"),
            ContextLengthError,
            "9 tokens",
        ),
    ],
)
async def test_what_cannot_get_better_is_asked_once(
    fault: Fault, error: type[ModelError], words: str, journal: Journal
) -> None:
    async with Server(*[fault] * 10) as server:
        with pytest.raises(error, match=words) as raised:
            await server.ask()
    assert len(server.requests) == 1
    assert not journal.failures
    line = str(raised.value)
    assert "loopback" in line
    assert server.base_url in line
    assert KEY not in line
    assert "\n" not in line


REFUSALS = [
    Fault("status", 400, message="Unknown role"),
    Fault("status", 400, message="max_tokens=9 cannot be greater than max_model_len=4"),
    Fault("status", 422, message="flagged by the content filter"),
]


@pytest.mark.parametrize("fault", REFUSALS, ids=lambda fault: fault.message)
async def test_one_refusal_is_of_a_prompt_and_two_are_of_all(fault: Fault, journal: Journal) -> None:
    async with Server(fault) as server:
        with pytest.raises(RefusedError, match=fault.message):
            await server.ask()
    assert [seen.body["messages"][0]["content"] for seen in server.requests] == ["Next step?", "Hello"]
    async with Server(fault, fault) as server:
        with pytest.raises(FatalModelError, match=f"{fault.message} .*; it refuses a plain greeting too"):
            await server.ask()
    assert len(server.requests) == 2
    async with Server(fault, Fault("status", 503)) as server:
        with pytest.raises(RefusedError, match=fault.message):
            await server.ask()
    assert len(server.requests) == 2
    assert not journal.failures
    assert not journal.calls


async def test_a_model_that_has_replied_is_not_asked_once_more() -> None:
    async with Server("done", REFUSALS[0]) as server:
        model = OpenAIModel("loopback", server.base_url)
        await calls.sample(model, ASK, Sampling())
        with pytest.raises(RefusedError):
            await calls.sample(model, ASK, Sampling())
        await model.close()
    assert len(server.requests) == 2


async def test_a_wrong_key_and_a_wrong_model_are_told_apart() -> None:
    async with Server(api_key="another") as server:
        with pytest.raises(FatalModelError, match="API key") as refused:
            await server.ask()
        assert KEY not in str(refused.value)
    async with Server(models=("other",)) as server:
        with pytest.raises(FatalModelError, match="no model loopback"):
            await server.ask()


async def test_no_server_at_all_is_retried_then_named() -> None:
    async with Server() as server:
        pass
    with pytest.raises(OutageError, match="cannot be reached") as raised:
        await server.ask()
    assert server.base_url in str(raised.value)


async def test_the_key_is_not_quoted_in_journalled_attempts(journal: Journal) -> None:
    async with Server(Fault("status", 500, message=f"upstream refused Bearer {KEY}")) as server:
        await server.ask()
    ((_, error, _),) = journal.failures
    assert KEY not in error
    assert "[key]" in error


async def test_control_characters_and_long_pages_do_not_reach_the_error(journal: Journal) -> None:
    async with Server(Fault("status", 502, message="\x1b[31mred\n" + "x" * 9000)) as server:
        await server.ask()
    ((_, error, _),) = journal.failures
    assert error.isprintable()
    assert len(error) < 500


async def test_retry_after_is_honoured_and_parks_the_engine(journal: Journal) -> None:
    async with Server(Fault("status", 429, retry_after="0.3")) as server:
        started = time.monotonic()
        (reply,) = await server.ask()
    assert time.monotonic() - started >= 0.3
    assert reply.text == "done"
    assert [wait for _, _, wait in journal.failures] == [0.3]


async def test_a_longer_pause_than_the_user_allows_is_given_up_on() -> None:
    quick = calls.retry_policy.set(RetryPolicy(max_retry_after=60))
    async with Server(Fault("status", 429, retry_after="300")) as server:
        with pytest.raises(FatalModelError, match="300 s, longer than --max-retry-after 60"):
            await server.ask()
    calls.retry_policy.reset(quick)
    assert len(server.requests) == 1


def test_retry_after_as_seconds_or_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    earlier = format_datetime(datetime.now(UTC) - timedelta(seconds=100), usegmt=True)
    assert retry_after({"Retry-After": "1"}) == 1.0
    assert retry_after({"Retry-After": later}) == pytest.approx(100, abs=2)
    for nothing in (earlier, "0", "-3", "soon", "nan", "inf", ""):
        assert retry_after({"Retry-After": nothing}) is None
    assert retry_after({}) is None


async def test_thinking_cut_off_by_the_token_limit_is_a_truncated_reply_not_a_fault() -> None:
    class Cut(Server):
        def _choice(self, index: int, reply: Reply) -> dict[str, Any]:
            choice = super()._choice(index, reply)
            choice["message"]["content"] = None
            return choice

    async with Cut(Reply("", "length", reasoning="hmm, let me")) as server:
        (reply,) = await server.ask()
    assert (reply.text, reply.finish, reply.reasoning) == ("", "length", "hmm, let me")


@pytest.mark.parametrize("kind", ["null_content", "finish", "no_choices", "reset"])
async def test_one_bad_reply_of_n_spoils_the_attempt_not_the_call(kind: FaultKind) -> None:
    async with Server("a", Fault(kind), "c") as server:
        replies = await server.ask(n=2)
    assert [reply.text for reply in replies] == ["c", "done"]


def test_a_proxys_password_is_in_no_error() -> None:
    url = "http://bob:hunter2@127.0.0.1:39365"
    asked = RequestInfo(URL(url), "CONNECT", CIMultiDictProxy(CIMultiDict[str]()), URL(url))
    refused = ClientHttpProxyError(asked, (), status=407, message="Proxy Authentication Required")
    said = str(transport_error(Endpoint("http://models.example/v1", "m"), refused, 60.0))
    assert "hunter2" not in said
    assert said.endswith("broke the connection: 407 Proxy Authentication Required")


@pytest.mark.parametrize("address", ["http://foo..bar/v1", "ftp://foo/v1", "foo"])
def test_what_is_no_address_is_named(address: str) -> None:
    with pytest.raises(UsageError, match="base_url"):
        endpoint_url(address)


def test_a_key_and_a_user_in_the_address_are_one_too_many() -> None:
    address = endpoint_url("http://bob:hunter2@127.0.0.1/v1")
    assert "Authorization" not in bearer_headers(address, None)
    with pytest.raises(UsageError, match="names a user") as raised:
        bearer_headers(address, KEY)
    assert "hunter2" not in str(raised.value)
