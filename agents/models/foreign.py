"""Any AutoGen ``ChatCompletionClient`` as one of our engines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from autogen_core import FunctionCall
from autogen_core.models import (
    AssistantMessage,
    ChatCompletionClient,
    CreateResult,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    LLMMessage,
    ModelInfo,
    SystemMessage,
    UserMessage,
)
from autogen_core.tools import ToolSchema

from longthought.agents.errors import FatalModelError, ModelError, RetryableError
from longthought.agents.models.contract import Finish, Message, Model, Reply, Sampling, ToolMessage, Usage
from longthought.agents.models.wire_errors import Endpoint, status_error

_FINISH: dict[str, Finish] = {"stop": "stop", "length": "length", "function_calls": "tool_calls"}

#: Errors of a connection, by their names in the SDKs of OpenAI and Anthropic and in httpx: a client may use
#: any of these, and none need be imported here.
_CONNECTION = frozenset({"APIConnectionError", "TransportError"})

#: What clients raise when the server's reply is no chat completion: AutoGen's read it without looking.
_MISREAD = (AttributeError, IndexError, KeyError, TypeError, json.JSONDecodeError)


class ForeignModel(Model):
    """``n`` replies are ``n`` requests at once; ``regex`` and ``choice`` are ignored: it cannot be told them.

    Args:
        client: give it ``max_retries=0`` where it has such a setting, for retries are made, and journalled,
            in ``agents.calls``.
        name: what transcripts call it.
        settings: the fields of ``Sampling`` that the client takes as ``extra_create_args``. OpenAI's client
            also takes ``seed`` and ``stop``.
    """

    def __init__(
        self,
        client: ChatCompletionClient,
        name: str | None = None,
        *,
        settings: Collection[str] = ("temperature", "top_p", "max_tokens"),
    ) -> None:
        super().__init__(name or type(client).__name__)
        self._client, self._settings = client, tuple(settings)

    async def sample(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int = 1
    ) -> list[Reply]:
        theirs = to_autogen(messages)
        tasks = [asyncio.create_task(self._one(theirs, sampling, i)) for i in range(n)]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()

    async def close(self) -> None:
        await self._client.close()

    @property
    def model_info(self) -> ModelInfo:
        return self._client.model_info

    async def _one(self, messages: Sequence[LLMMessage], sampling: Sampling, index: int) -> Reply:
        arguments: dict[str, Any] = {key: getattr(sampling, key) for key in self._settings}
        if arguments.get("seed") is not None:
            arguments["seed"] += index
        given = {key: value for key, value in arguments.items() if value not in (None, ())}
        tools: list[ToolSchema] = [tool["function"] for tool in sampling.tools]
        try:
            result = await self._client.create(messages, tools=tools, extra_create_args=given)
        except Exception as error:
            raise self._as_ours(error) from error
        return self._reply(result)

    def _reply(self, result: CreateResult) -> Reply:
        usage = Usage(result.usage.prompt_tokens, result.usage.completion_tokens)
        if not isinstance(result.content, str):
            calls = tuple(_wire_call(call) for call in result.content)
            return Reply(result.thought or "", "tool_calls", usage, tool_calls=calls)
        finish = _FINISH.get(result.finish_reason)
        if finish is None:
            raise RetryableError(
                f"{self.name}: a reply that ended with finish_reason {result.finish_reason!r}"
            )
        if not result.content and finish == "stop":
            raise RetryableError(f"{self.name}: a reply without content")  # AutoGen makes "" of OpenAI's null
        return Reply(result.content, finish, usage, reasoning=result.thought)

    def _as_ours(self, error: Exception) -> ModelError:
        endpoint = Endpoint(self.name, self.name)
        words = endpoint.quote(f"{type(error).__name__}: {error}")
        status, response = getattr(error, "status_code", None), getattr(error, "response", None)
        if isinstance(error, ModelError):
            return error
        if isinstance(status, int):
            headers: Mapping[str, str] = getattr(response, "headers", {})
            return status_error(endpoint, status, headers, getattr(response, "content", str(error).encode()))
        if isinstance(error, OSError) or not _CONNECTION.isdisjoint(t.__name__ for t in type(error).__mro__):
            return RetryableError(f"{self.name}: {words}")  # timeouts are among them
        if isinstance(error, _MISREAD):
            return RetryableError(f"{self.name} could not read the server's reply: {words}")
        return FatalModelError(f"{self.name}: {words}")


def to_autogen(messages: Sequence[Message | ToolMessage]) -> list[LLMMessage]:
    """Our messages as AutoGen's; the reverse of ``contract.from_autogen``."""
    out: list[LLMMessage] = []
    names: dict[str, str] = {}
    for message in messages:
        match message:
            case Message(role="system", content=text):
                out.append(SystemMessage(content=text))
            case Message(role="assistant", content=text):
                out.append(AssistantMessage(content=text, source="assistant"))
            case Message(content=text):
                out.append(UserMessage(content=text, source="user"))
            case ToolMessage(wire={"tool_calls": asked}):
                calls = [FunctionCall(id=c["id"], **_named(c["function"])) for c in asked]
                names |= {call.id: call.name for call in calls}
                out.append(AssistantMessage(content=calls, source="assistant"))
            case ToolMessage(wire=wire):
                call_id = str(wire["tool_call_id"])
                result = FunctionExecutionResult(
                    content=wire["content"], name=names.get(call_id, ""), call_id=call_id
                )
                out.append(FunctionExecutionResultMessage(content=[result]))
    return out


def _named(function: dict[str, Any]) -> dict[str, str]:
    return {"name": function["name"], "arguments": function["arguments"]}


def _wire_call(call: FunctionCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }
