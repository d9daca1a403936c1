"""AutoGen's own clients as engines: what they say, and what becomes of their errors."""

from __future__ import annotations

from typing import Any

import pytest
from autogen_core.models import ModelFamily, ModelInfo
from autogen_ext.models.openai import OpenAIChatCompletionClient
from autogen_ext.models.replay import ReplayChatCompletionClient

from longthought.agents.errors import (
    ContextLengthError,
    FatalModelError,
    ModelError,
    RefusedError,
    RetryableError,
)
from longthought.agents.models.contract import Message, Reply, Sampling, ToolMessage, from_autogen
from longthought.agents.models.foreign import ForeignModel, to_autogen
from longthought.agents.models.loopback import LoopbackServer, Script
from longthought.agents.models.loopback_faults import Fault

ASK = [
    Message("system", "Think."),
    Message("user", "2 + 2 ="),
    Message("assistant", "hm"),
    Message("user", "?"),
]
ADD: dict[str, Any] = {
    "type": "function",
    "function": {"name": "add", "description": "Adds.", "parameters": {}},
}
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
INFO = ModelInfo(
    vision=False,
    function_calling=True,
    json_output=False,
    structured_output=False,
    family=ModelFamily.UNKNOWN,
    multiple_system_messages=True,
)


class Seat:
    """AutoGen's OpenAI client, talking to a loopback server, as a model."""

    def __init__(self, script: Script, timeout: float = 30, **settings: Any) -> None:
        self.server = LoopbackServer(script)
        self._timeout, self._settings = timeout, settings

    async def __aenter__(self) -> ForeignModel:
        await self.server.__aenter__()
        client = OpenAIChatCompletionClient(
            model="loopback",
            base_url=self.server.base_url,
            api_key="sk-secret-key",
            model_info=INFO,
            max_retries=0,
            timeout=self._timeout,
        )
        self._model = ForeignModel(client, "theirs", **self._settings)
        return self._model

    async def __aexit__(self, *exc: object) -> None:
        await self._model.close()
        await self.server.__aexit__(*exc)


async def test_n_replies_are_n_requests_with_the_settings_the_client_takes() -> None:
    seat = Seat(lambda body: "4", settings=("temperature", "max_tokens", "seed", "stop"))
    async with seat as model:
        replies = await model.sample(ASK, Sampling(temperature=0.1, max_tokens=5, seed=3, regex="x"), 2)
    assert [reply.text for reply in replies] == ["4", "4"]
    assert all(reply.usage.prompt == 7 for reply in replies)
    bodies = [seen.body for seen in seat.server.requests]
    assert sorted(body["seed"] for body in bodies) == [3, 4]
    for body in bodies:
        assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "user"]
        assert (body["temperature"], body["max_tokens"]) == (0.1, 5)
        assert "stop" not in body
        assert "structured_outputs" not in body


async def test_tools_and_their_calls_pass_both_ways() -> None:
    said = iter([Reply("", "tool_calls", tool_calls=(CALL,)), Reply("done")])
    seat = Seat(lambda body: next(said))
    async with seat as model:
        assert model.model_info["function_calling"]
        (asked,) = await model.sample(ASK, Sampling(tools=(ADD,)))
        assert asked.tool_calls == (CALL,)
        assert asked.finish == "tool_calls"
        round_trip: list[Message | ToolMessage] = [
            *ASK,
            ToolMessage({"role": "assistant", "content": None, "tool_calls": [CALL]}),
            ToolMessage({"role": "tool", "tool_call_id": "c1", "content": "4"}),
        ]
        (reply,) = await model.sample(round_trip, Sampling(tools=(ADD,)))
    assert reply.text == "done"
    sent = seat.server.requests[1].body
    assert sent["tools"][0]["function"]["name"] == "add"
    assert sent["messages"][-2]["tool_calls"] == [CALL]
    assert sent["messages"][-1] == {"role": "tool", "tool_call_id": "c1", "content": "4"}
    assert from_autogen(to_autogen(round_trip)) == round_trip


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("status", 429), RetryableError),
        (Fault("status", 500), RetryableError),
        (Fault("status", 503), RetryableError),
        (Fault("hang"), RetryableError),
        (Fault("reset"), RetryableError),
        (Fault("short_body"), RetryableError),
        (Fault("broken_json"), RetryableError),
        (Fault("empty"), RetryableError),
        (Fault("html"), RetryableError),
        (Fault("error_in_200"), RetryableError),
        (Fault("no_choices"), RetryableError),
        (Fault("null_content"), RetryableError),
        (Fault("finish", finish="abort"), RetryableError),
        (Fault("context"), ContextLengthError),
        (Fault("status", 400), RefusedError),
        (Fault("status", 401, message="Incorrect API key: sk-secret-key"), FatalModelError),
        (Fault("status", 404), FatalModelError),
    ],
    ids=lambda value: value.kind + str(value.status) if isinstance(value, Fault) else "",
)
@pytest.mark.filterwarnings("ignore:Resolved model mismatch")
async def test_the_clients_errors_become_ours(fault: Fault, error: type[ModelError]) -> None:
    async with Seat(lambda body: fault, timeout=0.1 if fault.kind == "hang" else 30) as model:
        with pytest.raises(error, match="theirs") as raised:
            await model.sample(ASK, Sampling())
    assert "secret" not in str(raised.value)


async def test_the_servers_wish_to_wait_is_kept() -> None:
    async with Seat(lambda body: Fault("status", 429, retry_after="7")) as model:
        with pytest.raises(RetryableError) as raised:
            await model.sample(ASK, Sampling())
    assert raised.value.retry_after == 7


async def test_any_chat_completion_client_will_do_and_its_end_is_fatal() -> None:
    model = ForeignModel(ReplayChatCompletionClient(["first"]))
    (reply,) = await model.sample(ASK, Sampling(seed=1))
    assert (model.name, reply.text) == ("ReplayChatCompletionClient", "first")
    with pytest.raises(FatalModelError, match="ReplayChatCompletionClient: ValueError"):
        await model.sample(ASK, Sampling())
