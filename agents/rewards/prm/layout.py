"""Question and steps as token ids, with the place of every step's last token; no text can pass for a special token."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from longthought.agents.errors import RewardError
from longthought.agents.models.chat_tokens import ChatEncoder
from longthought.agents.models.contract import Message
from longthought.agents.rewards.prm.conventions import Convention
from longthought.agents.whole_text import whole_text

#: Lines whose tokens are kept: a debate reads its paths' first lines again and again.
_KEPT = 1 << 14

#: Token ids, and for every step the index of its last token.
StepTokens = tuple[list[int], list[int]]


class StepLayout:
    """Lays out paths for one convention and one Hugging Face tokenizer; training lays them out with the same.

    As thread-safe as the tokenizer, which is not.

    Raises:
        UsageError: ``chat`` without a chat template.
    """

    def __init__(self, convention: Convention, tokenizer: Any) -> None:
        self._convention, self._tokenizer = convention, tokenizer
        self._chat = ChatEncoder(tokenizer) if convention.layout == "chat" else None
        self._split = lru_cache(_KEPT)(self._split_anew)
        #: The token that ends a step, where the convention has a tag.
        self.tag_id: int | None = last_token(tokenizer, convention.tag) if convention.tag else None

    def encode(self, question: str, steps: Sequence[str]) -> StepTokens:
        """The ids of a whole path. A longer path begins with those of a shorter one.

        Raises:
            RewardError: the tokenizer does not keep a tag apart from the text around it.
        """
        question, steps = whole_text(question).strip(), [whole_text(step).strip() for step in steps]
        match self._convention.layout:
            case "lines":
                return self._lines(question, steps)
            case "text":
                return self._text(question, steps)
            case "chat":
                return self._reply(question, steps)

    def _lines(self, question: str, steps: Sequence[str]) -> StepTokens:
        ids: list[int] = [] if self._tokenizer.bos_token_id is None else [self._tokenizer.bos_token_id]
        ids += self._split(f"{question}\n")
        ends: list[int] = []
        for step in steps:
            line = _one_line(step)
            ids += self._split(f"{line}\n") if self.tag_id is None else [*self._split(line), self.tag_id]
            ends.append(len(ids) - 1)
        return ids, ends

    def _text(self, question: str, steps: Sequence[str]) -> StepTokens:
        tag, text = self._convention.tag, f"{question} "
        last_characters: list[int] = []
        for number, step in enumerate(steps):
            text += ("\n" if number else "") + f"{_one_line(step)} {tag}"
            last_characters.append(len(text) - 1)
        encoded: Any = self._tokenizer(text, split_special_tokens=True)
        ids: list[int] = encoded["input_ids"]
        found: list[int | None] = [encoded.char_to_token(0, at) for at in last_characters]
        ends = [at for at in found if at is not None and ids[at] == self.tag_id]
        if len(ends) < len(steps):
            raise RewardError(f"the tokenizer does not keep the tag {tag!r} apart from the text around it")
        return ids, ends

    def _reply(self, question: str, steps: Sequence[str]) -> StepTokens:
        assert self._chat is not None
        assert self.tag_id is not None
        messages = [Message("system", self._convention.system), Message("user", question)]
        ids = self._chat.encode(messages, add_generation_prompt=True).ids
        ends: list[int] = []
        for step in steps:
            ids += [*self._chat.encode_text(step), self.tag_id]
            ends.append(len(ids) - 1)
        return ids, ends

    def _split_anew(self, text: str) -> tuple[int, ...]:
        # Special tokens that a text spells are split like any other text.
        encoded = self._tokenizer(
            text, add_special_tokens=False, split_special_tokens=True, return_attention_mask=False
        )
        return tuple(encoded["input_ids"])


def last_token(tokenizer: Any, text: str) -> int:
    """The id of the last token of ``text``, which may be a special one: how published code finds its tags."""
    return int(tokenizer(text, add_special_tokens=False)["input_ids"][-1])


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())
