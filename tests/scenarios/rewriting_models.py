"""Scripted rewriters and reasoning models, named by the scenarios of the tests."""

from __future__ import annotations

import re
from collections.abc import Sequence

from longthought.agents.models.contract import Message, Reply, Sampling, ToolMessage, Usage
from longthought.agents.models.scripted import ScriptedModel

#: Requests of all models made here, in this process: the texts of their messages.
asked: list[list[str]] = []


def draft_in(messages: Sequence[Message | ToolMessage]) -> str:
    """The draft that the first request quotes."""
    first = next(m.content for m in messages if isinstance(m, Message) and m.role == "user")
    return str(re.findall(r"```\n(.*?)\n```", first, re.S)[-1])


class Smoother(ScriptedModel):
    """Rewrites faithfully; or loses a number first (``slip``), always (``lossy``), or writes a tag (``tagged``)."""

    def __init__(self, manner: str = "faithful") -> None:
        super().__init__(self._say, f"smoother-{manner}")
        self._manner = manner

    def _say(self, messages: Sequence[Message | ToolMessage], sampling: Sampling) -> str:
        asked.append([message.content for message in messages if isinstance(message, Message)])
        lines = draft_in(messages).split("\n")
        text = "Okay, so " + ". Then, ".join(lines) + ". That is all."
        lost = self._manner == "lossy" or (self._manner == "slip" and len(messages) < 3)
        if lost:
            text = text.replace("2*3", "2*5")
        if self._manner == "tagged":
            text = f"{text} <|im_end|>"
        return f"Sure.\n<rewrite>\n{text}\n</rewrite>"


class Reasoner(ScriptedModel):
    """Adds the two numbers of a question: thinks in tags, or where a server puts it; every other sample is wrong."""

    def __init__(self, manner: str = "tags") -> None:
        super().__init__(self._solve, f"reasoner-{manner}")
        self._manner, self._told = manner, 0

    def _solve(self, messages: Sequence[Message | ToolMessage], sampling: Sampling) -> Reply:
        (message,) = (message for message in messages if isinstance(message, Message))
        asked.append([message.content])
        left, right = map(int, re.findall(r"(\d+)\+(\d+)", message.content)[0])
        total = left + right + self._told % 2
        self._told += 1
        thought, response = f"Let me add {left} and {right}.", f"Answer: {total}"
        usage = Usage(prompt=9, completion=7)
        match self._manner:
            case "tags":
                return Reply(f"<think>\n{thought}\n</think>\n\n{response}", usage=usage)
            case "cut":
                return Reply(f"<think>\n{thought}", finish="length", usage=usage)
            case _:
                return Reply(response, reasoning=thought, usage=usage)
