"""The policy seat: proposes the next thought, as a stateless function of a path and as an AutoGen agent."""

from __future__ import annotations

from collections.abc import Sequence

from autogen_agentchat.agents import BaseChatAgent
from autogen_agentchat.base import Response
from autogen_agentchat.messages import BaseChatMessage, TextMessage
from autogen_core import CancellationToken

from longthought.agents.calls import sample
from longthought.agents.models.contract import Model, Sampling
from longthought.agents.seats.context import Context
from longthought.agents.seats.contract import Step
from longthought.agents.seats.thread import Thread
from longthought.agents.thoughts import Path


class PolicyAgent(BaseChatAgent):
    """A model in the policy's seat."""

    def __init__(
        self, model: Model, context: Context, sampling: Sampling | None = None, name: str = "policy"
    ) -> None:
        super().__init__(name, "Proposes the next step of a solution.")
        self._model, self._context, self._sampling = model, context, sampling or Sampling()
        self._thread = Thread()

    async def propose(self, path: Path, n: int = 1) -> list[Step]:
        """``n`` candidates for the next thought. Raises what the model raises."""
        replies = await sample(self._model, self._context.for_policy(path), self._sampling, n)
        return [Step(reply.text.strip(), truncated=reply.finish == "length") for reply in replies]

    # --- AutoGen ----------------------------------------------------------------------------------------------

    @property
    def produced_message_types(self) -> Sequence[type[BaseChatMessage]]:
        return (TextMessage,)

    async def on_messages(
        self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken
    ) -> Response:
        """The next step of a thread whose first message is the problem; ``messages`` are those since the last turn."""
        (step,) = await self.propose(self._thread.heard(messages))
        return self._thread.said(TextMessage(content=step.text, source=self.name))

    async def on_reset(self, cancellation_token: CancellationToken) -> None:
        self._thread.forget()
