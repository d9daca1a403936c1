"""A scripted model that writes whole long thoughts on sums, with a detour and now and then a wrong answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from longthought.agents.models.contract import Message, Reply, Sampling, ToolMessage, Usage
from longthought.agents.models.scripted import ScriptedModel


class Thinker(ScriptedModel):
    """Asked for left+right with an even ``left`` it doubts and is right; with an odd one it is wrong or, at 3, cut.

    Args:
        gift: problems that it solves all the same, as a better seed might.
    """

    def __init__(self, gift: Sequence[int] = (), name: str = "thinker") -> None:
        super().__init__(self._say, name)
        self._gift = frozenset(gift)

    def _say(self, messages: Sequence[Message | ToolMessage], sampling: Sampling) -> Reply:
        (message,) = messages
        assert isinstance(message, Message)
        left, right = map(int, re.findall(r"(\d+)\+(\d+)", message.content)[0])
        total, usage = left + right, Usage(5, 20)
        if left == 3 and left not in self._gift:
            return Reply(f"<think>\n{left} and {right}, so", "length", usage)
        if left % 2 == 0 or left in self._gift:
            thought = f"Answer: {total + 1}\nWait, that is one too many.\nAnswer: {total}"
            return Reply(f"<think>\n{thought}\n</think>\n\nAnswer: {total}", usage=usage)
        return Reply(f"<think>\nAnswer: {total}\n\nHmm, no.\n</think>\n\nAnswer: {total + 1}", usage=usage)


#: A scenario's keys with it in the policy's seat.
KEYS = {
    "protocol": "long-thought",
    "models": {"mind": {"engine": "tests.scenarios.long_thinkers:Thinker"}},
    "seats": {"policy": {"model": "mind"}},
    "dataset": {"kind": "file", "path": "sums.jsonl", "scorer": "exact", "metadata": ["level"]},
    "epochs": 1,
}
