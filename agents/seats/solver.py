"""The policy's seat where a model writes a whole solution at once, its thought included, instead of a step."""

from __future__ import annotations

from longthought.agents.calls import sample
from longthought.agents.models.contract import Message, Model, Reply, Sampling
from longthought.agents.prompts import Prompts
from longthought.agents.seats.contract import Step
from longthought.agents.thoughts import Path

#: The prompt that it needs, and the tokens of a whole solution unless the seat says otherwise.
PARTS = ("ask",)
MAX_TOKENS = 16_384


class Solver:
    """Implements ``Policy``; the path is the problem alone."""

    def __init__(self, model: Model, prompts: Prompts, sampling: Sampling) -> None:
        self._model, self._prompts, self._sampling = model, prompts, sampling

    async def propose(self, path: Path, n: int = 1) -> list[Step]:
        """``n`` whole solutions. Raises what the model raises."""
        asked = [Message("user", self._prompts.render("ask", question=path.problem.question))]
        replies = await sample(self._model, asked, self._sampling, n)
        return [Step(_whole(reply), truncated=reply.finish == "length") for reply in replies]


def _whole(reply: Reply) -> str:
    """The reply as the model wrote it; what a server took out of it as its thought stands in tags again."""
    text = reply.text.strip()
    if not reply.reasoning:
        return text
    thought = f"<think>\n{reply.reasoning.strip()}"
    # Cut within the thought, it never came to the closing tag.
    return thought if reply.finish == "length" and not text else f"{thought}\n</think>\n\n{text}"
