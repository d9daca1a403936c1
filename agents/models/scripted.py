"""A public, deterministic engine: replies from a list, or from a function of the messages. Tests use it; so can you."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from longthought.agents.errors import FatalModelError
from longthought.agents.models.contract import Message, Model, Reply, Sampling, ToolMessage, Usage

Script = Callable[[Sequence[Message | ToolMessage], Sampling], str | Reply]


class ScriptedModel(Model):
    """Replies come from ``script``, either an iterable that is used up or a function ``(messages, sampling) → text``.

    Usage is counted in white-space separated words, so budgets can be tested exactly. A reply may be a whole
    ``Reply``; an exception in the list is raised.

    Raises:
        FatalModelError: the list is used up.
    """

    def __init__(self, script: Script | Iterable[str | Reply | Exception], name: str = "scripted") -> None:
        super().__init__(name)
        self._function = script if callable(script) else None
        self._list = iter(() if callable(script) else script)
        #: Every request made, for assertions.
        self.requests: list[tuple[tuple[Message | ToolMessage, ...], Sampling, int]] = []

    async def sample(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int = 1
    ) -> list[Reply]:
        self.requests.append((tuple(messages), sampling, n))
        words = sum(len(m.content.split()) for m in messages if isinstance(m, Message))
        return [self._one(messages, sampling, words if i == 0 else 0) for i in range(n)]

    def _one(self, messages: Sequence[Message | ToolMessage], sampling: Sampling, prompt: int) -> Reply:
        if self._function is not None:
            said: str | Reply | Exception = self._function(messages, sampling)
        else:
            try:
                said = next(self._list)
            except StopIteration:
                raise FatalModelError(f"{self.name}: the script has no more replies") from None
        if isinstance(said, Exception):
            raise said
        if isinstance(said, Reply):
            return said
        return Reply(said, usage=Usage(prompt=prompt, completion=len(said.split())))
