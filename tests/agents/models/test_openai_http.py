"""What goes over the wire to an OpenAI-compatible server, and what comes back as replies."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import TextMessage

from longthought.agents.errors import RefusedError, RetryableError, UsageError
from longthought.agents.models.contract import Message, Reply, Sampling, ToolMessage, Usage
from longthought.agents.models.loopback import LoopbackServer
from longthought.agents.models.openai_http import OpenAIModel

HELLO = [Message("system", "Think."), Message("user", "2 + 2 =")]


async def test_a_request_is_plain_openai() -> None:
    async with LoopbackServer(lambda body: "4") as server:
        model = OpenAIModel("loopback", server.base_url + "/", "sk-secret-key")
        (reply,) = await model.sample(HELLO, Sampling(temperature=0.5, max_tokens=9, seed=7, stop=("\n",)))
        await model.close()
        await model.close()
    assert reply == Reply("4", "stop", Usage(prompt=5, completion=1))
    (seen,) = server.requests
    assert seen.authorization == "Bearer sk-secret-key"
    assert seen.body == {
        "model": "loopback",
        "messages": [{"role": "system", "content": "Think."}, {"role": "user", "content": "2 + 2 ="}],
        "temperature": 0.5,
        "top_p": 1.0,
        "max_tokens": 9,
        "seed": 7,
        "stop": ["\n"],
    }


async def test_without_a_key_none_is_sent() -> None:
    async with LoopbackServer(lambda body: "4") as server:
        model = OpenAIModel("loopback", server.base_url)
        await model.sample(HELLO, Sampling())
        await model.close()
    assert server.requests[0].authorization is None


async def test_extra_body_adds_and_takes_away() -> None:
    extra = {"top_k": 5, "max_tokens": None, "max_completion_tokens": 3}
    async with LoopbackServer(lambda body: "4") as server:
        model = OpenAIModel("loopback", server.base_url, extra_body=extra)
        await model.sample(HELLO, Sampling())
        await model.close()
    body = server.requests[0].body
    assert (body["top_k"], body["max_completion_tokens"]) == (5, 3)
    assert "max_tokens" not in body


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
async def test_reasoning_is_kept_under_either_name(field: str) -> None:
    async with LoopbackServer(
        lambda body: Reply("4", reasoning="two and two"), reasoning_field=field
    ) as server:
        model = OpenAIModel("loopback", server.base_url)
        (reply,) = await model.sample(HELLO, Sampling())
        await model.close()
    assert (reply.text, reply.reasoning) == ("4", "two and two")


async def test_native_n_is_one_request_and_the_first_reply_carries_the_prompt() -> None:
    texts = iter(["a b", "c", "d e f"])
    async with LoopbackServer(lambda body: next(texts)) as server:
        model = OpenAIModel("loopback", server.base_url)
        replies = await model.sample(HELLO, Sampling(), 3)
        await model.close()
    assert [reply.text for reply in replies] == ["a b", "c", "d e f"]
    assert [reply.usage for reply in replies] == [Usage(5, 6), Usage(), Usage()]
    assert [seen.body["n"] for seen in server.requests] == [3]


async def test_completion_tokens_are_shared_out_where_token_ids_tell() -> None:
    said = iter([Reply("a", token_ids=(1, 2)), Reply("b", token_ids=(3,))])
    usage = Usage(10, 4, cached=8)
    async with LoopbackServer(lambda body: replace_usage(next(said), usage)) as server:
        model = OpenAIModel("loopback", server.base_url)
        replies = await model.sample(HELLO, Sampling(), 2)
        await model.close()
    assert [reply.usage for reply in replies] == [Usage(10, 3, 8), Usage(0, 1)]
    assert [reply.token_ids for reply in replies] == [(1, 2), (3,)]


def replace_usage(reply: Reply, usage: Usage) -> Reply:
    return Reply(reply.text, usage=usage, token_ids=reply.token_ids)


async def test_logprobs_are_asked_for_and_read() -> None:
    async with LoopbackServer(lambda body: Reply("4", logprobs=(-0.5, -1.0))) as server:
        model = OpenAIModel("loopback", server.base_url)
        (reply,) = await model.sample(HELLO, Sampling(logprobs=True))
        await model.close()
    assert server.requests[0].body["logprobs"] is True
    assert reply.logprobs == (-0.5, -1.0)


async def test_a_server_without_n_is_asked_singly_with_different_seeds() -> None:
    async with LoopbackServer(lambda body: str(body["seed"]), native_n=False) as server:
        model = OpenAIModel("loopback", server.base_url)
        first = await model.sample(HELLO, Sampling(seed=5), 3)
        second = await model.sample(HELLO, Sampling(seed=9), 2)
        await model.close()
    assert [reply.text for reply in first] == ["5", "6", "7"]
    assert [reply.text for reply in second] == ["9", "10"]
    assert all(reply.usage.prompt == 5 for reply in first), "each request paid for its prompt"
    assert ["n" in seen.body for seen in server.requests] == [True] + [False] * 4


async def test_the_choice_constrains_the_reply() -> None:
    async with LoopbackServer(lambda body: "well, perhaps") as server:
        model = OpenAIModel("loopback", server.base_url)
        (chosen,) = await model.sample(HELLO, Sampling(choice=("continue", "reflect"), regex="c.*"))
        await model.sample(HELLO, Sampling(regex="c.*"))
        await model.close()
    assert chosen.text == "continue"
    assert server.requests[0].body["structured_outputs"] == {"choice": ["continue", "reflect"]}
    assert server.requests[1].body["structured_outputs"] == {"regex": "c.*"}


async def test_auto_remembers_that_a_server_takes_no_constraints(caplog: pytest.LogCaptureFixture) -> None:
    async with LoopbackServer(lambda body: "free", structured="refuse") as server:
        model = OpenAIModel("loopback", server.base_url)
        replies = await asyncio.gather(*(model.sample(HELLO, Sampling(regex="c.*")) for _ in range(5)))
        asked = len(server.requests)
        await model.sample(HELLO, Sampling(regex="c.*"))
        await model.close()
    assert [reply.text for (reply,) in replies] == ["free"] * 5
    assert len(caplog.records) == 1, "said once, whoever asks"
    assert len(server.requests) == asked + 1
    assert "structured_outputs" not in server.requests[-1].body


async def test_off_never_constrains_and_regex_always_does() -> None:
    async with LoopbackServer(lambda body: "free", structured="refuse") as server:
        off = OpenAIModel("loopback", server.base_url, structured="off")
        assert (await off.sample(HELLO, Sampling(regex="c.*")))[0].text == "free"
        insists = OpenAIModel("loopback", server.base_url, structured="regex")
        with pytest.raises(RefusedError, match="structured_outputs"):
            await insists.sample(HELLO, Sampling(regex="c.*"))
        await off.close()
        await insists.close()


async def test_fewer_choices_than_asked_for_is_worth_another_attempt() -> None:
    async with LoopbackServer(lambda body: "a") as server:
        model = OpenAIModel("loopback", server.base_url, extra_body={"n": 2})
        with pytest.raises(RetryableError, match="2 choices where 3"):
            await model.sample(HELLO, Sampling(), 3)
        await model.close()


async def test_an_autogen_assistant_uses_the_engine_for_a_tool_round() -> None:
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2, "b": 3}'}}

    def script(body: dict[str, Any]) -> Reply:
        last = body["messages"][-1]
        if last["role"] != "tool":
            return Reply("", "tool_calls", tool_calls=(call,))
        return Reply(f"The sum is {last['content']}.")

    async with LoopbackServer(script) as server:
        model = OpenAIModel("loopback", server.base_url)
        agent = AssistantAgent("adder", model, tools=[add], reflect_on_tool_use=True)
        result = await agent.run(task="What is 2 + 3?")
        await model.close()
    answer = result.messages[-1]
    assert isinstance(answer, TextMessage)
    assert answer.content == "The sum is 5."
    first, second = (seen.body for seen in server.requests)
    assert first["tools"][0]["function"]["name"] == "add"
    assert second["messages"][-2]["tool_calls"] == [call]
    assert second["messages"][-1] == {"role": "tool", "tool_call_id": "c1", "content": "5"}


async def test_tool_messages_travel_as_they_are() -> None:
    wire = {"role": "tool", "tool_call_id": "c1", "content": "5"}
    async with LoopbackServer(lambda body: "4") as server:
        model = OpenAIModel("loopback", server.base_url)
        await model.sample([*HELLO, ToolMessage(wire)], Sampling())
        await model.close()
    assert server.requests[0].body["messages"][-1] == wire


def test_one_engine_serves_one_event_loop_after_another() -> None:
    async def first() -> OpenAIModel:
        async with LoopbackServer(lambda body: "4") as server:
            model = OpenAIModel("loopback", server.base_url)
            await model.sample(HELLO, Sampling())
            return model

    async def second(model: OpenAIModel) -> str:
        async with LoopbackServer(lambda body: "5", port=model.url.port or 0):
            (reply,) = await model.sample(HELLO, Sampling())
            await model.close()
            return reply.text

    assert asyncio.run(second(asyncio.run(first()))) == "5"


async def test_a_large_prompt_is_sent_whole() -> None:
    text = "word " * 300_000
    async with LoopbackServer(lambda body: "4", max_model_len=1_000_000) as server:
        model = OpenAIModel("loopback", server.base_url)
        (reply,) = await model.sample([Message("user", text)], Sampling())
        await model.close()
    assert reply.usage.prompt == 300_000


@pytest.mark.parametrize("url", ["127.0.0.1:8000/v1", "ftp://host/v1", "", "http://"])
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="base_url"):
        OpenAIModel("m", url)


def test_a_key_with_a_line_break_is_refused_without_being_shown() -> None:
    with pytest.raises(UsageError) as refused:
        OpenAIModel("m", "http://127.0.0.1/v1", "sk-secret\n")
    assert "secret" not in str(refused.value)
