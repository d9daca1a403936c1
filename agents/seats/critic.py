"""The critic seat: decides on the last thought of a path, with reward models as tools if it is given any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson
from autogen_agentchat.agents import BaseChatAgent
from autogen_agentchat.base import Response
from autogen_agentchat.messages import BaseChatMessage, TextMessage
from autogen_core import CancellationToken

from longthought.agents.calls import sample
from longthought.agents.decisions import Decision
from longthought.agents.errors import UnreadableVerdict, UsageError
from longthought.agents.models.contract import Message, Model, Reply, Sampling, ToolMessage
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward
from longthought.agents.rewards.tools import read_all, tool_schema
from longthought.agents.seats.context import Context
from longthought.agents.seats.contract import Verdict
from longthought.agents.seats.thread import Thread
from longthought.agents.thoughts import Path
from longthought.agents.verdict_format import read_verdict, verdict_regex, write_verdict

#: A critic that still calls tools after this many rounds has lost its thread.
MAX_TOOL_ROUNDS = 3


class CriticAgent(BaseChatAgent):
    """A model in the critic's seat. ``tools`` are rewards it may call before it decides."""

    def __init__(
        self,
        model: Model,
        context: Context,
        sampling: Sampling | None = None,
        tools: Sequence[Reward] = (),
        name: str = "critic",
    ) -> None:
        super().__init__(name, "Judges the last step of a solution.")
        self._model, self._context = model, context
        self._sampling = sampling or Sampling(temperature=0.0, max_tokens=200)
        self._tools = {reward.name: reward for reward in tools}
        self._thread = Thread()

    async def judge(self, path: Path) -> Verdict:
        """One decision on the path's last thought.

        Raises:
            UnreadableVerdict: the reply is no decision, or was cut at the token limit; its ``reply`` holds the text.
            ModelError: what the model raises.
        """
        messages: list[Message | ToolMessage] = [*self._context.for_critic(path)]
        readings: list[Reading] = []
        reply = await self._ask(messages, path.depth, may_call=bool(self._tools))
        for round_ in range(1, MAX_TOOL_ROUNDS + 1):
            if not reply.tool_calls:
                break
            messages.append(
                ToolMessage({"role": "assistant", "content": None, "tool_calls": reply.tool_calls})
            )
            for call in reply.tool_calls:
                said, read = await self._call(call["function"]["name"], path)
                readings += read
                messages.append(ToolMessage({"role": "tool", "tool_call_id": call["id"], "content": said}))
            reply = await self._ask(messages, path.depth, may_call=round_ < MAX_TOOL_ROUNDS)
        return Verdict(decision_of(reply, path), tuple(readings))

    async def _ask(self, messages: Sequence[Message | ToolMessage], depth: int, may_call: bool) -> Reply:
        # A grammar would forbid the tool call, so the verdict is constrained only where no tool can be called.
        sampling = (
            replace(self._sampling, tools=tuple(map(tool_schema, self._tools.values())))
            if may_call
            else replace(self._sampling, regex=verdict_regex(depth))
        )
        (reply,) = await sample(self._model, messages, sampling)
        return reply

    async def _call(self, name: str, path: Path) -> tuple[str, tuple[Reading, ...]]:
        reward = self._tools.get(name)
        if reward is None:
            return f"there is no tool {name}; there are: {', '.join(self._tools)}", ()
        readings = await read_all([reward], path)
        return orjson.dumps([str(reading) for reading in readings]).decode(), readings

    # --- AutoGen ----------------------------------------------------------------------------------------------

    @property
    def produced_message_types(self) -> Sequence[type[BaseChatMessage]]:
        return (TextMessage,)

    async def on_messages(
        self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken
    ) -> Response:
        """The verdict on a thread whose first message is the problem and whose last is the step to judge.

        ``messages`` are those since the last turn.

        Raises:
            UsageError: there is no step yet.
        """
        path = self._thread.heard(messages)
        if not path.thoughts:
            raise UsageError(f"{self.name}: no step to judge yet; the policy speaks first")
        verdict = await self.judge(path)
        return self._thread.said(TextMessage(content=write_verdict(verdict.decision), source=self.name))

    async def on_reset(self, cancellation_token: CancellationToken) -> None:
        self._thread.forget()


def decision_of(reply: Reply, path: Path) -> Decision:
    """What a model decided of ``path``, whose own texts are never taken for its decision.

    Raises:
        UnreadableVerdict: the reply is no decision, or was cut at the token limit.
    """
    if reply.finish == "length":
        # A decision at the end of a cut reply may be half of another one.
        raise UnreadableVerdict("the reply was cut at the token limit", reply.text)
    return read_verdict(reply.text, path.depth, path.texts)
