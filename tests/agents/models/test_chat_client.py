"""Our engines as AutoGen's ``ChatCompletionClient``: cancellation, tool choice, and what they refuse."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest
from autogen_core import CancellationToken
from autogen_core.models import UserMessage
from autogen_core.tools import FunctionTool

from longthought.agents.models.loopback import LoopbackServer
from longthought.agents.models.loopback_faults import Fault
from longthought.agents.models.openai_http import OpenAIModel
from longthought.agents.models.scripted import ScriptedModel

ASK = [UserMessage(content="2 + 2 =", source="user")]


async def add(a: int, b: int) -> int:
    return a + b


ADD = FunctionTool(add, description="Adds.", name="add")


async def test_cancelling_the_token_ends_the_request() -> None:
    async with LoopbackServer(lambda body: Fault("hang")) as server:
        model = OpenAIModel("loopback", server.base_url)
        token = CancellationToken()
        asked = asyncio.ensure_future(model.create(ASK, cancellation_token=token))
        while not server.requests:
            await asyncio.sleep(0.01)
        token.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await model.close()


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", {"tools"}),
        ("none", set[str]()),
        ("required", {"tools", "tool_choice"}),
        (ADD, {"tools", "tool_choice"}),
    ],
)
async def test_tool_choice(choice: Any, sent: set[str]) -> None:
    async with LoopbackServer(lambda body: "4") as server:
        model = OpenAIModel("loopback", server.base_url)
        await model.create(ASK, tools=[ADD], tool_choice=choice)
        await model.close()
    body = server.requests[0].body
    assert {"tools", "tool_choice"} & set(body) == sent
    wire: dict[Any, Literal["required"] | dict[str, Any]] = {
        "required": "required",
        ADD: {"type": "function", "function": {"name": "add"}},
    }
    assert body.get("tool_choice") == wire.get(choice)


async def test_a_stream_is_the_reply_then_the_result() -> None:
    said = [item async for item in ScriptedModel(["4"]).create_stream(ASK)]
    assert said[0] == "4"
    assert len(said) == 2


async def test_json_output_is_refused_and_not_ignored() -> None:
    with pytest.raises(ValueError, match="json_output"):
        await ScriptedModel(["{}"]).create(ASK, json_output=True)
