"""A debate as an AutoGen Team: runs with ``run`` and ``run_stream``, prints under ``Console``, nests in other teams.

The debate drives its seats directly; AutoGen's group-chat runtime (0.9 ms a message) is not involved.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from autogen_agentchat.base import TaskResult, Team
from autogen_agentchat.messages import BaseAgentEvent, BaseChatMessage, TextMessage
from autogen_core import CancellationToken
from pydantic import BaseModel

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.verdict_format import write_verdict
from longthought.protocols.debate import Debate
from longthought.protocols.outcomes import Outcome
from longthought.protocols.tape import Tape
from longthought.protocols.tree import Tree

Item = BaseAgentEvent | BaseChatMessage | TaskResult


class DebateTeam(Team):
    """Plays each task as one problem; every thought and every verdict is a ``TextMessage``.

    Stateless between tasks: ``reset``, ``pause`` and the state methods have nothing to do.
    """

    component_type = "team"

    def __init__(self, debate: Debate, name: str = "debate", seed: int = 0) -> None:
        self._debate, self._name, self._seed = debate, name, seed

    @property
    def name(self) -> str:
        return self._name

    @property
    def description(self) -> str:
        return "A policy proposes steps, a critic continues, backtracks, reflects or terminates."

    async def run(
        self,
        *,
        task: str | BaseChatMessage | Sequence[BaseChatMessage] | None = None,
        cancellation_token: CancellationToken | None = None,
        output_task_messages: bool = True,
    ) -> TaskResult:
        async for item in self.run_stream(
            task=task, cancellation_token=cancellation_token, output_task_messages=output_task_messages
        ):
            if isinstance(item, TaskResult):
                return item
        raise AssertionError("a stream ends with its result")

    async def run_stream(
        self,
        *,
        task: str | BaseChatMessage | Sequence[BaseChatMessage] | None = None,
        cancellation_token: CancellationToken | None = None,
        output_task_messages: bool = True,
    ) -> AsyncGenerator[Item, None]:
        """The task, then each turn as it is played, then the ``TaskResult`` whose stop reason is the outcome."""
        asked = TextMessage(content=_text(task), source="user")
        said: list[BaseAgentEvent | BaseChatMessage] = []
        if output_task_messages:
            said.append(asked)
            yield asked
        queue: asyncio.Queue[list[TextMessage] | None] = asyncio.Queue()
        played = asyncio.ensure_future(self._play(asked.content, queue))
        if cancellation_token is not None:
            cancellation_token.link_future(played)
        try:
            while (messages := await queue.get()) is not None:
                for message in messages:
                    said.append(message)
                    yield message
            outcome = await played
        finally:
            played.cancel()
        yield TaskResult(messages=said, stop_reason=outcome.kind)

    async def _play(self, question: str, queue: asyncio.Queue[list[TextMessage] | None]) -> Outcome:
        def show(tree: Tree) -> None:
            turn = tree.walk[-1]
            messages = [TextMessage(content=turn.thought.text, source="policy")]
            if turn.decision is not None:
                messages.append(TextMessage(content=write_verdict(turn.decision), source="critic"))
            queue.put_nowait(messages)

        try:
            tree = Tree(Problem(id="task", question=question), Tape(None, 0, self._seed))
            return await replace(self._debate, on_turn=show).play(tree)
        finally:
            queue.put_nowait(None)

    async def reset(self) -> None:
        """Nothing to forget."""

    async def pause(self) -> None:
        """A task runs to its outcome; cancel it instead."""

    async def resume(self) -> None:
        """Nothing was paused."""

    async def save_state(self) -> Mapping[str, Any]:
        return {}

    async def load_state(self, state: Mapping[str, Any]) -> None:
        """Nothing to load."""

    def _to_config(self) -> BaseModel:
        raise NotImplementedError("a debate is described by a scenario file, not by a component")


def _text(task: str | BaseChatMessage | Sequence[BaseChatMessage] | None) -> str:
    match task:
        case str():
            text = task
        case None:
            text = ""
        case BaseChatMessage():
            text = task.to_text()
        case _:
            text = "\n\n".join(message.to_text() for message in task)
    if not text.strip():
        raise UsageError("a debate needs a task: the problem's text")
    return text
