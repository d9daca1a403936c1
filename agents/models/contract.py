"""The contract of every engine: messages and sampling settings in, replies out, and AutoGen's client face over it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from autogen_core import CancellationToken, FunctionCall
from autogen_core.models import (
    AssistantMessage,
    ChatCompletionClient,
    CreateResult,
    FunctionExecutionResultMessage,
    LLMMessage,
    ModelFamily,
    ModelInfo,
    RequestUsage,
    SystemMessage,
)
from autogen_core.tools import Tool, ToolSchema
from pydantic import BaseModel

from longthought.agents.whole_text import whole_text

Role = Literal["system", "user", "assistant", "tool"]
Finish = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message; serialises as OpenAI's ``{"role": …, "content": …}``."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class ToolMessage:
    """The two messages of a tool round that carry more than text, already in OpenAI's shape."""

    wire: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample. Names and units are OpenAI's and vLLM's.

    ``regex`` and ``choice`` constrain the reply where the engine can; every caller parses defensively all the same.
    """

    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 512
    seed: int | None = None
    stop: tuple[str, ...] = ()
    regex: str | None = None
    choice: tuple[str, ...] = ()
    logprobs: bool = False
    #: OpenAI tool schemas, only for engines whose ``model_info`` says ``function_calling``.
    tools: tuple[dict[str, Any], ...] = ()
    #: ``auto``, ``required``, or the name of the one tool that must be called.
    tool_choice: str = "auto"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request. ``cached`` counts prompt tokens the server did not compute again."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt + other.prompt, self.completion + other.completion, self.cached + other.cached
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """One sampled completion. With ``n`` replies to one request, the first carries the prompt's tokens."""

    text: str
    finish: Finish = "stop"
    usage: Usage = field(default_factory=Usage)
    reasoning: str | None = None
    token_ids: tuple[int, ...] | None = None
    logprobs: tuple[float, ...] | None = None
    tool_calls: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", whole_text(self.text))
        if self.reasoning is not None:
            object.__setattr__(self, "reasoning", whole_text(self.reasoning))

    def to_json(self) -> dict[str, Any]:
        """The reply as JSON, without what is at its default: journals are mostly these."""
        data: dict[str, Any] = {
            "text": self.text,
            "finish": self.finish,
            "usage": {
                "prompt": self.usage.prompt,
                "completion": self.usage.completion,
                "cached": self.usage.cached,
            },
        }
        if self.reasoning is not None:
            data["reasoning"] = self.reasoning
        if self.token_ids is not None:
            data["token_ids"] = list(self.token_ids)
        if self.logprobs is not None:
            data["logprobs"] = list(self.logprobs)
        if self.tool_calls:
            data["tool_calls"] = list(self.tool_calls)
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Reply:
        ids, logprobs = data.get("token_ids"), data.get("logprobs")
        return cls(
            text=data["text"],
            finish=data["finish"],
            usage=Usage(**data["usage"]),
            reasoning=data.get("reasoning"),
            token_ids=None if ids is None else tuple(ids),
            logprobs=None if logprobs is None else tuple(logprobs),
            tool_calls=tuple(data.get("tool_calls", ())),
        )


class Model(ChatCompletionClient, ABC):
    """An engine. Implement ``sample`` (one attempt, no retries) and ``close``; AutoGen's methods come with it.

    Attributes:
        name: what transcripts and manifests call the model.
    """

    component_type = "model"
    name: str

    def __init__(self, name: str) -> None:
        self.name = name
        self._used: Usage = Usage()

    @abstractmethod
    async def sample(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int = 1
    ) -> list[Reply]:
        """``n`` replies to ``messages``, in one attempt.

        Raises:
            RetryableError: another attempt may succeed (``agents.calls`` makes it).
            ContextLengthError: the prompt is too long.
            RefusedError: this request is not taken.
            FatalModelError: no request of this run can succeed.
        """

    async def close(self) -> None:
        """Release what the engine holds. May be called more than once."""

    # --- AutoGen's ChatCompletionClient -----------------------------------------------------------------------

    async def create(
        self,
        messages: Sequence[LLMMessage],
        *,
        tools: Sequence[Tool | ToolSchema] = [],
        tool_choice: Tool | Literal["auto", "required", "none"] = "auto",
        json_output: bool | type[BaseModel] | None = None,
        extra_create_args: Mapping[str, Any] = {},
        cancellation_token: CancellationToken | None = None,
    ) -> CreateResult:
        """One reply for an AutoGen agent, retried by the same rules as our own seats' calls."""
        from longthought.agents.calls import sample

        if json_output:
            raise ValueError(f"the engine of {self.name} cannot be held to JSON; leave json_output out")
        schemas = () if tool_choice == "none" else tuple(_tool_schema(tool) for tool in tools)
        if schemas and not self.model_info["function_calling"]:
            raise ValueError(f"the engine of {self.name} cannot call tools")
        choice = tool_choice.name if isinstance(tool_choice, Tool) else tool_choice
        sampling = replace(Sampling(tools=schemas, tool_choice=choice), **dict(extra_create_args))
        # calls imports this module, so type checkers meet its classes under two names; hence the cast.
        ask = cast("Callable[..., Coroutine[Any, Any, list[Reply]]]", sample)
        asked = asyncio.ensure_future(ask(self, from_autogen(messages), sampling))
        if cancellation_token is not None:
            cancellation_token.link_future(asked)
        (reply,) = await asked
        self._used += reply.usage
        usage = RequestUsage(prompt_tokens=reply.usage.prompt, completion_tokens=reply.usage.completion)
        if reply.tool_calls:
            calls = [
                FunctionCall(
                    id=call["id"], name=call["function"]["name"], arguments=call["function"]["arguments"]
                )
                for call in reply.tool_calls
            ]
            return CreateResult(
                finish_reason="function_calls",
                content=calls,
                usage=usage,
                cached=False,
                thought=reply.text or None,
            )
        return CreateResult(
            finish_reason="length" if reply.finish == "length" else "stop",
            content=reply.text,
            usage=usage,
            cached=False,
            thought=reply.reasoning,
        )

    async def create_stream(
        self,
        messages: Sequence[LLMMessage],
        *,
        tools: Sequence[Tool | ToolSchema] = [],
        tool_choice: Tool | Literal["auto", "required", "none"] = "auto",
        json_output: bool | type[BaseModel] | None = None,
        extra_create_args: Mapping[str, Any] = {},
        cancellation_token: CancellationToken | None = None,
    ) -> AsyncGenerator[str | CreateResult, None]:
        """The whole reply as one chunk, then the result: our engines do not stream."""
        result = await self.create(
            messages,
            tools=tools,
            tool_choice=tool_choice,
            json_output=json_output,
            extra_create_args=extra_create_args,
            cancellation_token=cancellation_token,
        )
        if isinstance(result.content, str):
            yield result.content
        yield result

    def actual_usage(self) -> RequestUsage:
        return RequestUsage(prompt_tokens=self._used.prompt, completion_tokens=self._used.completion)

    def total_usage(self) -> RequestUsage:
        return self.actual_usage()

    def count_tokens(self, messages: Sequence[LLMMessage], *, tools: Sequence[Tool | ToolSchema] = []) -> int:
        """An upper estimate (one token per UTF-8 byte), for AutoGen's context buffers only."""
        return sum(len(str(message.content).encode()) for message in messages)

    def remaining_tokens(
        self, messages: Sequence[LLMMessage], *, tools: Sequence[Tool | ToolSchema] = []
    ) -> int:
        return 1_000_000 - self.count_tokens(messages, tools=tools)

    @property
    def capabilities(self) -> Any:
        return self.model_info

    @property
    def model_info(self) -> ModelInfo:
        return ModelInfo(
            vision=False,
            function_calling=False,
            json_output=False,
            structured_output=False,
            family=ModelFamily.UNKNOWN,
        )


def from_autogen(messages: Sequence[LLMMessage]) -> list[Message | ToolMessage]:
    """AutoGen's messages as ours. Images are refused: no engine here takes them."""
    out: list[Message | ToolMessage] = []
    for message in messages:
        match message:
            case SystemMessage(content=content):
                out.append(Message("system", content))
            case AssistantMessage(content=str() as content):
                out.append(Message("assistant", content))
            case AssistantMessage(content=calls):
                wire = [
                    {
                        "id": c.id,
                        "type": "function",
                        "function": {"name": c.name, "arguments": c.arguments},
                    }
                    for c in calls
                    if not isinstance(c, str)
                ]
                out.append(ToolMessage({"role": "assistant", "content": None, "tool_calls": wire}))
            case FunctionExecutionResultMessage(content=results):
                out.extend(
                    ToolMessage({"role": "tool", "tool_call_id": r.call_id, "content": r.content})
                    for r in results
                )
            case _:
                if not isinstance(message.content, str):
                    raise ValueError("images are not supported by this engine")
                out.append(Message("user", message.content))
    return out


def _tool_schema(tool: Tool | ToolSchema) -> dict[str, Any]:
    schema = tool.schema if isinstance(tool, Tool) else tool
    return {"type": "function", "function": dict(schema)}
