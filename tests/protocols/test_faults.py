"""F3, F5 and F6 of the fault matrix at the level of whole debates, and text that is not whole."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from math import inf
from pathlib import Path
from random import Random
from typing import Any

import pytest

from longthought.agents import calls
from longthought.agents.calls import RetryPolicy
from longthought.agents.errors import FatalModelError
from longthought.agents.models.contract import Message, Reply, Sampling, ToolMessage
from longthought.agents.models.loopback import LoopbackServer
from longthought.agents.models.loopback_faults import Fault
from longthought.agents.models.openai_http import OpenAIModel
from longthought.agents.models.scripted import Script, ScriptedModel
from longthought.agents.problems import Problem
from longthought.agents.prompts import Prompts
from longthought.agents.seats.context import Context
from longthought.agents.seats.critic import CriticAgent
from longthought.agents.seats.policy import PolicyAgent
from longthought.protocols.budget import Budget
from longthought.protocols.debate import Debate
from longthought.protocols.journal import Journal, read_events
from longthought.protocols.runner import assignments, run_debates
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.journey import Journey
from tests.protocols.scripted_debates import LastWord

#: 5 % of the requests each.
MIX = [
    Fault("status", 429),
    Fault("status", 500),
    Fault("status", 503),
    Fault("reset"),
    Fault("hang"),
    Fault("short_body"),
]


@pytest.fixture
def quick_retries() -> Iterator[None]:
    token = calls.retry_policy.set(RetryPolicy(first_wait=0.02, longest_wait=0.5))
    yield
    calls.retry_policy.reset(token)


async def _play_on(
    server: LoopbackServer, directory: Path, debates: int, at_once: int, attempt_timeout: float = 60.0
) -> float:
    """Debates of 8 proposals and 8 verdicts at the server; the seconds they took."""
    directory.mkdir(exist_ok=True)
    model = OpenAIModel("loopback", server.base_url, attempt_timeout=attempt_timeout)
    context = Context(Prompts("default"))
    budget = Budget(turns=8, conclude_at=1)
    rules = Debate(PolicyAgent(model, context), CriticAgent(model, context), LastWord(), budget)
    journal = Journal(directory)
    started = time.monotonic()
    try:
        await run_debates(assignments(_problems(debates), 1, 0), rules, journal, max_debates=at_once)
    finally:
        journal.close()
        await model.close()
    return time.monotonic() - started


def _say(body: dict[str, Any]) -> str:
    return "continue" if "structured_outputs" in body else "2+2 is 2+1+1"


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("debates", "at_once", "latency", "hang", "slowdown"),
    [
        # So short that a busy machine makes any bound on the time meaningless.
        (40, 40, 0.02, 0.3, inf),
        pytest.param(500, 50, 0.1, 0.8, 3, marks=pytest.mark.slow),
    ],
)
async def test_a_mix_of_faults_delays_debates_and_loses_none(
    debates: int,
    at_once: int,
    latency: float,
    hang: float,
    slowdown: float,
    tmp_path: Path,
    quick_retries: None,
) -> None:
    """F3: 30 % of all requests fail, in six ways."""
    random = Random(0)
    committed: Counter[str] = Counter()

    def misbehave(body: dict[str, Any]) -> str | Fault:
        if random.random() < 0.7:
            return _say(body)
        fault = random.choice(MIX)
        committed[fault.kind] += 1
        return fault

    async with LoopbackServer(_say, latency=latency, keep_requests=False) as server:
        clean = await _play_on(server, tmp_path / "clean", debates, at_once)
    async with LoopbackServer(misbehave, latency=latency) as server:
        faulty = await _play_on(server, tmp_path / "faulty", debates, at_once, attempt_timeout=hang)

    transcripts = list(read_transcripts(tmp_path / "faulty"))
    assert [t.outcome.kind for t in transcripts] == ["limit:turns"] * debates
    assert all(len(t.thoughts) == len(t.judgements) == 8 for t in transcripts)
    kinds = Counter(event["kind"] for event in read_events(tmp_path / "faulty" / "journal-0.jsonl"))
    assert kinds["sampled"] == debates * 16
    assert kinds["failed"] >= committed.total() > 0.2 * kinds["sampled"]
    # Every request is on the record, as a reply or as a failed attempt.
    assert kinds["sampled"] + kinds["failed"] >= len(server.requests)
    assert faulty <= slowdown * clean


async def _play_scripted(directory: Path, policy: Script, critic: Script, debates: int) -> list[Transcript]:
    context = Context(Prompts("default"))
    seats = PolicyAgent(ScriptedModel(policy), context), CriticAgent(ScriptedModel(critic), context)
    journal = Journal(directory)
    await run_debates(assignments(_problems(debates), 1, 0), Debate(*seats, LastWord()), journal)
    journal.close()
    return list(read_transcripts(directory))


def _problems(debates: int) -> list[Problem]:
    return [Problem(id=f"p{i}", question=f"<{i}> 2+2?", gold="4") for i in range(debates)]


def _which(text: str) -> int:
    """Which debate it is, by the mark in its problem."""
    return int(text.partition("<")[2].partition(">")[0])


def _asked(messages: Sequence[Message | ToolMessage]) -> tuple[int, int, bool]:
    """Which debate asks, how often the seat spoke before, and whether it is asked again."""
    said = [message for message in messages if isinstance(message, Message)]
    again = "cannot be used" in said[-1].content
    spoken = sum(message.role == "assistant" for message in said) - again
    return _which(said[1].content), spoken, again


async def test_a_reply_cut_at_the_token_limit_is_never_taken_for_a_whole_one(tmp_path: Path) -> None:
    """F5: 100 debates with a cut step that reads as the answer, 100 with a cut verdict that reads as a decision."""

    def policy(messages: Sequence[Message | ToolMessage], sampling: Sampling) -> str | Reply:
        debate, turn, _ = _asked(messages)
        if debate < 100 and turn == debate % 3:
            return Reply("answer: 4", finish="length")
        return "answer: 4" if turn == 3 else f"step {turn}"

    def critic(messages: Sequence[Message | ToolMessage], sampling: Sampling) -> str | Reply:
        debate, turn, again = _asked(messages)
        if debate >= 100 and turn == debate % 4 and not again:
            return Reply(
                ("backtrack 0: because", "terminate give_up", "continue")[debate % 3], finish="length"
            )
        return "terminate solved" if turn == 3 else "continue"

    transcripts = await _play_scripted(tmp_path, policy, critic, 200)
    assert [t.outcome.kind for t in transcripts] == ["solved"] * 200
    for number, transcript in enumerate(transcripts):
        cut = [thought for thought in transcript.thoughts if thought.truncated]
        complaints = [asked.complaint for asked in transcript.asked_again]
        (row,) = Journey().rows([transcript])
        assert [j.decision.kind for j in transcript.judgements] == ["continue"] * 3 + ["terminate"]
        if number < 100:
            assert [thought.id for thought in cut] == [number % 3 + 1]
            assert cut[0].answer is None
            assert row == Dropped("a truncated thought")
        else:
            assert not cut
            assert complaints == ["the reply was cut at the token limit"]
            assert not isinstance(row, Dropped)


async def test_a_context_that_overflows_ends_the_debate_without_another_call(tmp_path: Path) -> None:
    """F6: 100 debates, each refused at a call of its own."""
    requests: Counter[int] = Counter()

    def overflow(body: dict[str, Any]) -> str | Fault:
        debate = _which(body["messages"][1]["content"])
        requests[debate] += 1
        return Fault("context") if requests[debate] > debate % 16 else _say(body)

    async with LoopbackServer(overflow) as server:
        await _play_on(server, tmp_path / "run", 100, 50)
    transcripts = list(read_transcripts(tmp_path / "run"))
    assert [t.outcome.kind for t in transcripts] == ["limit:context_length"] * 100
    assert requests == {debate: debate % 16 + 1 for debate in range(100)}
    assert sum(t.failed_attempts for t in transcripts) == 0


async def test_a_refused_prompt_ends_its_debate_and_no_other(tmp_path: Path) -> None:
    """100 debates at once, of which every other one is refused, each at a call of its own."""
    requests: Counter[int] = Counter()
    refusal = Fault("status", 400, message="flagged by the content filter")

    def refuse(body: dict[str, Any]) -> str | Fault:
        if len(body["messages"]) == 1:
            requests[-1] += 1
            return "Hello"
        debate = _which(body["messages"][1]["content"])
        requests[debate] += 1
        return refusal if debate % 2 == 0 and requests[debate] > debate // 2 % 16 else _say(body)

    async with LoopbackServer(refuse) as server:
        await _play_on(server, tmp_path / "run", 100, 100)
    transcripts = {t.number: t for t in read_transcripts(tmp_path / "run")}
    for number in range(100):
        outcome = transcripts[number].outcome
        if number % 2:
            assert outcome.kind == "limit:turns"
        else:
            assert outcome.kind == "error:refused"
            assert refusal.message in outcome.why
            assert requests[number] == number // 2 % 16 + 1
    # One more request in all: some debates are refused before anybody has been answered.
    assert requests[-1] <= 1


@pytest.mark.parametrize("at_once", [1, 20])
async def test_a_server_that_refuses_everything_ends_the_run_and_no_debate(
    tmp_path: Path, at_once: int
) -> None:
    broken = True

    def refuse(body: dict[str, Any]) -> str | Fault:
        return Fault("status", 400, message="unknown field extra") if broken else _say(body)

    async with LoopbackServer(refuse) as server:
        with pytest.raises(FatalModelError, match=r"unknown field extra .*; it refuses a plain greeting too"):
            await _play_on(server, tmp_path / "run", 20, at_once)
        assert len(server.requests) <= at_once + 1
        events = read_events(tmp_path / "run" / "journal-0.jsonl")
        assert {event["kind"] for event in events} == {"opened"}
        # The server mended, the same run goes on.
        broken = False
        await _play_on(server, tmp_path / "run", 20, at_once)
    assert [t.outcome.kind for t in read_transcripts(tmp_path / "run")] == ["limit:turns"] * 20


async def test_a_first_prompt_that_is_refused_does_not_end_the_run(tmp_path: Path) -> None:
    def refuse(body: dict[str, Any]) -> str | Fault:
        first = len(body["messages"]) > 1 and _which(body["messages"][1]["content"]) == 0
        return Fault("status", 422, message="no") if first else _say(body)

    async with LoopbackServer(refuse) as server:
        await _play_on(server, tmp_path / "run", 3, at_once=1)
    assert [t.outcome.kind for t in read_transcripts(tmp_path / "run")] == [
        "error:refused",
        *["limit:turns"] * 2,
    ]


async def test_half_characters_do_not_break_a_run_or_its_journal(tmp_path: Path) -> None:
    def policy(messages: Sequence[Message | ToolMessage], sampling: Sampling) -> str:
        return "answer: 4" if _asked(messages)[1] else "half a smile \ud83d"

    def critic(messages: Sequence[Message | ToolMessage], sampling: Sampling) -> str:
        return "terminate solved" if _asked(messages)[1] else "backtrack 0: \ude00?"

    (transcript,) = await _play_scripted(tmp_path, policy, critic, 1)
    assert transcript.thoughts[0].text == "half a smile \N{REPLACEMENT CHARACTER}"
    assert transcript.outcome.kind == "solved"
