"""Where a long thought begins and ends in an assistant's message; the final answer stands outside."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

#: The tags that models are known to mark their thoughts with, in the order in which they stand in a message.
FRAMES: tuple[tuple[str, ...], ...] = (
    ("<think>", "</think>"),  # DeepSeek-R1, QwQ, Qwen3
    ("<|begin_of_thought|>", "<|end_of_thought|>", "<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<Thought>", "</Thought>", "<Output>", "</Output>"),  # Marco-o1
)

#: STILL-2's and Sky-T1's layout.
_STILL = {
    "open": f"{FRAMES[1][0]}\n\n",
    "close": f"\n\n{FRAMES[1][1]}\n\n{FRAMES[1][2]}\n\n",
    "answer": f"{{answer}}\n\n{FRAMES[1][3]}",
}
_NONE = {"open": "", "close": "\n\n"}


class ThoughtTags(BaseModel):
    """The text before and after the thought, and the line after it, in which ``{answer}`` is the answer.

    The defaults are those of DeepSeek-R1 and QwQ, with the line break that their templates put after the tag. In place
    of the three a name can be given: ``think`` for these, ``still`` for the tags of STILL-2 and Sky-T1, or ``none``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    open: str = "<think>\n"
    close: str = "\n</think>\n\n"
    answer: str = "Answer: {answer}"

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, given: Any) -> Any:
        named: dict[Any, dict[str, str]] = {"think": {}, "still": _STILL, "none": _NONE}
        if isinstance(given, str) and given not in named:
            raise ValueError(f"no tags called {given!r}; there are {', '.join(named)}")
        return named[given] if isinstance(given, str) else given

    def end(self, answer: str) -> str:
        """What follows the thought: its closing tag and the answer."""
        return f"{self.close}{self.answer.replace('{answer}', answer)}"

    def end_as_written(self, behind: str) -> str:
        """The same with a text that needs no words before it, for it is what stood behind a thought."""
        lead = max(0, self.answer.find("{answer}"))
        return f"{self.close}{self.answer[lead:].replace('{answer}', behind)}"

    def within(self, text: str) -> bool:
        """Whether ``text`` holds one of the tags itself, so that nobody could tell where the thought ends."""
        return any(tag in text for tag in (self.open.strip(), self.close.strip()) if tag)


def frame(text: str) -> list[tuple[int, int]]:
    """Where the tags of a known kind stand in an assistant's message, as spans of characters.

    Empty unless the message begins with the first of them and has each once and in order; the tags behind the thought's
    end may be missing, and the first may be spelled there once more, where templates do not look for it. Only such tags
    may become special tokens; any other is text.
    """
    start = len(text) - len(text.lstrip())
    for tags in FRAMES:
        if not text.startswith(tags[0], start):
            continue
        spans: list[tuple[int, int]] = []
        for number, tag in enumerate(tags):
            found = text.count(tag) if number else text.partition(tags[1])[0].count(tag)
            if found == 0 and number >= 2:
                break
            at = text.find(tag)
            if found != 1 or (spans and at < spans[-1][1]):
                return []
            spans.append((at, at + len(tag)))
        return spans
    return []


def closed(text: str) -> str:
    """An assistant's message; a thought that it has begun with a tag of a known kind, and not ended, is ended."""
    for tags in FRAMES:
        if text.lstrip().startswith(tags[0]) and tags[1] not in text:
            return text + tags[1]
    return text
