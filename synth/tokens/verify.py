"""Proves of a row that the model it is for will be trained on what stands in it.

The row is rendered through the model's own chat template, as a trainer that is not ours would do it, and encoded as
ours does. A complaint is made when

- the template drops text of a trained message (those of DeepSeek-R1's distilled models delete whatever stands before
  ``</think>``, trl#6766; those of Qwen3 the thoughts of all turns but the last);
- nothing carries loss, or ``{% generation %}`` marks none of what should;
- it is longer than ``max_length``: TRL cuts such rows without a word;
- the answer is not ended by a special token;
- a text spells a special token of this tokenizer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from longthought.agents.errors import FatalModelError, UsageError
from longthought.agents.models.contract import Message
from longthought.synth.derive.rows import MaskedSpan
from longthought.synth.telling.thought_tags import closed, frame
from longthought.synth.tokens.labels import Labeller, cuts_of, read_masked, read_messages, read_trained
from longthought.synth.tokens.row_encoder import RowEncoder

_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a row: the reason, by which rows are counted, and what only this row has."""

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return self.reason + self.detail


class Verifier:
    """Checks rows against one tokenizer and its chat template.

    Args:
        max_length: tokens that a row may have; None for any number.

    Raises:
        UsageError: the tokenizer has no chat template.
    """

    def __init__(self, tokenizer: Any, max_length: int | None = None) -> None:
        self._encoder, self._labeller = RowEncoder(tokenizer), Labeller(tokenizer)
        self._tokenizer, self._max_length = tokenizer, max_length
        self._name = str(tokenizer.name_or_path)
        self._marks_generation = _GENERATION.search(str(tokenizer.chat_template)) is not None

    def complaint(self, row: Mapping[str, Any]) -> Complaint | None:
        """What is wrong with a row, given by its columns; None when nothing is, or when it is no chat."""
        for chat, trained, masked, unfinished in _chats(row):
            try:
                said = self._of_chat(chat, trained, masked, unfinished)
            except UsageError as error:
                said = Complaint(str(error).partition(": ")[2])
            except FatalModelError as error:
                said = Complaint(f"the chat template of {self._name} refuses it", f": {error}")
            if said is not None:
                return said
        return None

    def _of_chat(
        self,
        chat: Sequence[Message],
        trained: Sequence[bool],
        masked: Sequence[MaskedSpan],
        unfinished: bool,
    ) -> Complaint | None:
        for message, flag in zip(chat, trained, strict=True):
            if (spelled := self._special_in(message, unfinished and flag)) is not None:
                return Complaint("a text spells a special token", f": {message.role} says {spelled}")
        (tokens,) = self._encoder.encode_rows([chat], [cuts_of(masked)])
        learned = [message.content for message, flag in zip(chat, trained, strict=True) if flag]
        messages = [{"role": message.role, "content": message.content} for message in chat]
        rendered: str = self._tokenizer.apply_chat_template(messages, tokenize=False)
        if (gone := _vanished(learned, rendered)) is not None:
            return Complaint(
                f"the chat template of {self._name} drops text of the answer",
                f", from {_shown(gone)!r}; export it with --tokenize, or train with a template that keeps thoughts",
            )
        if self._max_length is not None and len(tokens.ids) > self._max_length:
            return Complaint(f"more tokens than --max-length {self._max_length}", f": {len(tokens.ids)}")
        # Raises for an empty mask and for an answer without an end.
        self._labeller.label("row", chat, trained, masked, tokens)
        return self._of_generation(messages, learned) if self._marks_generation else None

    def _of_generation(
        self, messages: Sequence[Mapping[str, str]], learned: Sequence[str]
    ) -> Complaint | None:
        """What the trainers that go by ``{% generation %}`` would miss."""
        encoded: Any = self._tokenizer.apply_chat_template(
            messages, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        marked = [i for i, flag in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True) if flag]
        if (gone := _vanished(learned, str(self._tokenizer.decode(marked)))) is not None:
            return Complaint(
                f"the generation mark of {self._name}'s chat template leaves text out", f": {_shown(gone)!r}"
            )
        return None

    def _special_in(self, message: Message, unfinished: bool) -> str | None:
        text = message.content
        tags = frame(closed(text) if unfinished else text) if message.role == "assistant" else []
        for start, end in reversed(tags):
            text = f"{text[:start]}\n{text[end:]}"
        return self._encoder.special_in(text)


def _chats(
    row: Mapping[str, Any],
) -> Iterator[tuple[list[Message], list[bool], list[MaskedSpan], bool]]:
    """The chats that a trainer makes of a row, with what carries loss, and whether the answer is one that goes on."""
    if "messages" in row:
        chat = read_messages(row, "messages", "row")
        yield chat, read_trained(row, chat, "row"), read_masked(row, chat, "row"), False
        return
    for side in ("chosen", "rejected", "completion"):
        if isinstance(row.get(side), list) and isinstance(row.get("prompt"), list):
            prompt, answer = read_messages(row, "prompt", "row"), read_messages(row, side, "row")
            trained = [False] * len(prompt) + [True] * len(answer)
            yield [*prompt, *answer], trained, [], row.get(f"{side}_finished") is False


def _vanished(texts: Sequence[str], rendered: str) -> str | None:
    """The first line of ``texts`` that is not in what was rendered, in order; white space does not count."""
    whole, at = _squeezed(rendered), 0
    for text in texts:
        squeezed = _squeezed(text)
        found = whole.find(squeezed, at)
        if found >= 0:
            at = found + len(squeezed)
            continue
        for line in filter(str.strip, text.split("\n")):
            found = whole.find(_squeezed(line), at)
            if found < 0:
                return line.strip()
            at = found + len(_squeezed(line))
        return text.strip()
    return None


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
