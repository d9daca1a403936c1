"""Any AutoGen ``ChatAgent`` in a seat: an ``AssistantAgent`` with tools, a ``UserProxyAgent``, your own.

AutoGen agents remember what they are told, seats do not. So before every turn the agent is reset and then
told the whole path again, as one list of ``TextMessage`` objects. What it answers is journalled and replayed
like any other outside call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from autogen_agentchat.messages import TextMessage
from autogen_core import CancellationToken

from longthought.agents.calls import digest_of, outside, recorder
from longthought.agents.models.contract import Message
from longthought.agents.prompts import Prompts
from longthought.agents.seats.context import Context
from longthought.agents.seats.contract import Step, Verdict
from longthought.agents.thoughts import Path
from longthought.agents.verdict_format import read_verdict
from longthought.agents.whole_text import whole_text

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from autogen_agentchat.base import ChatAgent, Response


class SeatedPolicy:
    """An AutoGen agent as policy.

    Args:
        agent: takes one turn at a time; debates that run at once wait for each other.
        factory: instead of ``agent``: makes as many agents as turns are taken at once.
        context: how paths become messages; the default prompts, a thread per seat, unless given.

    Raises:
        ValueError: not exactly one of ``agent`` and ``factory``.
    """

    def __init__(
        self,
        agent: ChatAgent | None = None,
        *,
        factory: Callable[[], ChatAgent] | None = None,
        context: Context | None = None,
    ) -> None:
        self._chair = _Chair("policy", agent, factory)
        self._context = context or Context(Prompts())

    async def propose(self, path: Path, n: int = 1) -> list[Step]:
        """``n`` candidates, asked for one after the other. Raises what the agent raises."""
        messages = self._context.for_policy(path)
        return [Step((await self._chair.turn(messages)).strip()) for _ in range(n)]


class SeatedCritic:
    """An AutoGen agent as critic. The arguments are those of ``SeatedPolicy``."""

    def __init__(
        self,
        agent: ChatAgent | None = None,
        *,
        factory: Callable[[], ChatAgent] | None = None,
        context: Context | None = None,
    ) -> None:
        self._chair = _Chair("critic", agent, factory)
        self._context = context or Context(Prompts())

    async def judge(self, path: Path) -> Verdict:
        """A decision on the path's last thought.

        Raises:
            UnreadableVerdict: the agent's reply is no decision.
        """
        text = await self._chair.turn(self._context.for_critic(path))
        return Verdict(read_verdict(text, path.depth, path.texts))


class _Chair:
    """Where agents sit down for one turn each. No agent ever takes two turns at once, whoever made it."""

    def __init__(self, seat: str, agent: ChatAgent | None, factory: Callable[[], ChatAgent] | None) -> None:
        if (agent is None) == (factory is None):
            raise ValueError("give either an agent or a factory of agents")
        self._seat = seat
        self._make = factory if factory is not None else lambda: cast("ChatAgent", agent)
        self._idle: list[ChatAgent] = []
        self._locks: dict[int, asyncio.Lock] = {}

    async def turn(self, messages: Sequence[Message]) -> str:
        """What an agent says to the messages."""

        async def live() -> dict[str, Any]:
            async with self._seated() as agent:
                return await self._ask(agent, messages)

        data = await outside("seated", digest_of(self._seat, messages), live)
        return str(data["text"])

    async def _ask(self, agent: ChatAgent, messages: Sequence[Message]) -> dict[str, Any]:
        said = [TextMessage(content=m.content, source=self._source(m)) for m in messages]
        cancellation = CancellationToken()
        # What the agent asks engines of ours is part of this one call, and journalled with it.
        token = recorder.set(None)
        try:
            await agent.on_reset(cancellation)
            response = await agent.on_messages(said, cancellation)
        except asyncio.CancelledError:
            cancellation.cancel()
            raise
        finally:
            recorder.reset(token)
        return {
            "text": whole_text(response.chat_message.to_text()),
            "agent": agent.name,
            "usage": _usage(response),
        }

    def _source(self, message: Message) -> str:
        return self._seat if message.role == "assistant" else message.role

    @asynccontextmanager
    async def _seated(self) -> AsyncGenerator[ChatAgent]:
        agent = self._idle.pop() if self._idle else self._make()
        # A factory may hand out one and the same agent again and again.
        async with self._locks.setdefault(id(agent), asyncio.Lock()):
            try:
                yield agent
            finally:
                self._idle.append(agent)


def _usage(response: Response) -> dict[str, int]:
    spent = [
        m.models_usage for m in (*(response.inner_messages or ()), response.chat_message) if m.models_usage
    ]
    return {
        "prompt": sum(usage.prompt_tokens for usage in spent),
        "completion": sum(usage.completion_tokens for usage in spent),
    }
