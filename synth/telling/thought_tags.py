"""Where a long thought begins and ends in an assistant's message; the final answer stands outside."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ThoughtTags(BaseModel):
    """The text before and after the thought, and the line after it, in which ``{answer}`` is the answer.

    The defaults are those of DeepSeek-R1 and QwQ, with the line break that their templates put after the tag.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    open: str = "<think>\n"
    close: str = "\n</think>\n\n"
    answer: str = "Answer: {answer}"

    def end(self, answer: str) -> str:
        """What follows the thought: its closing tag and the answer."""
        return f"{self.close}{self.answer.replace('{answer}', answer)}"

    def within(self, text: str) -> bool:
        """Whether ``text`` holds one of the tags itself, so that nobody could tell where the thought ends."""
        return any(tag in text for tag in (self.open.strip(), self.close.strip()) if tag)
