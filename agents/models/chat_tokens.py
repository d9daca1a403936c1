"""From chat messages to token ids, such that no text inside a message can become a special token.

The chat template is rendered with a placeholder for each message's text, which gives the template's own
pieces. Where no message spells a special token, pieces and texts are joined and encoded as one, which is what
``apply_chat_template`` does; otherwise each is encoded by itself, the texts with special tokens split.
Engines build prompts from it, exporters loss masks.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from longthought.agents.errors import FatalModelError, UsageError
from longthought.agents.models.contract import Message, ToolMessage

#: Owner of the tokens that the template writes.
TEMPLATE = -1

# The form feeds tell whether, and on which side, the template strips white space from a message.
PLACEHOLDER = "\x0cLongthoughtMessage{}Text\x0c"
PLACEHOLDERS = re.compile(r"(\x0c?)LongthoughtMessage(\d+)Text(\x0c?)")


@dataclass(frozen=True, slots=True)
class ChatTokens:
    """A rendered chat: token ids, and for each the index of the message that it spells, or ``TEMPLATE``."""

    ids: list[int]
    owner: list[int]


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    owner: int


class ChatEncoder:
    """Encodes chats for one Hugging Face tokenizer. As thread-safe as the tokenizer, which is not.

    Raises:
        UsageError: the tokenizer has no chat template.
    """

    def __init__(self, tokenizer: Any) -> None:
        if not tokenizer.chat_template:
            raise UsageError(
                f"{tokenizer.name_or_path}: its tokenizer has no chat template; use an instruction-tuned "
                "model, or put a chat_template.jinja beside its tokenizer.json"
            )
        self._tokenizer = tokenizer
        markers = [
            token.content
            for token in tokenizer.added_tokens_decoder.values()
            # Some vocabularies list runs of white space as added tokens; those are text.
            if token.special or re.fullmatch(r"<.+>|\[.+\]", token.content)
        ]
        self._markers = re.compile(
            "|".join(map(re.escape, sorted(markers, key=len, reverse=True))) or r"(?!)"
        )

    def encode(self, messages: Sequence[Message], *, add_generation_prompt: bool) -> ChatTokens:
        """Render ``messages`` with the chat template and encode them.

        For texts that spell no special token the ids are those of ``apply_chat_template``. If the template
        loses the text of a message, by rewriting it or by leaving it out, its own rendering is encoded and
        every token counts as the template's; but when a text spells a special token too, the lost message is
        left out.

        Raises:
            FatalModelError: the template refuses these messages (roles that do not alternate, for instance).
        """
        # Half a surrogate pair, which JSON can bring in, is no text to a tokenizer.
        messages = [Message(m.role, m.content.encode(errors="replace").decode()) for m in messages]
        pieces = self._pieces(messages, add_generation_prompt)
        if self._spells_special(pieces):
            return self._encode_apart(pieces)
        kept = {piece.owner for piece in pieces}
        lost = [message for i, message in enumerate(messages) if message.content and i not in kept]
        if any(self._markers.search(message.content) for message in lost):
            return self._encode_apart(pieces)
        if lost:
            texts = [message.content for message in messages]
            pieces = [_Piece(self._render(messages, texts, add_generation_prompt), TEMPLATE)]
        return self._encode_joined(pieces)

    def encode_text(self, text: str) -> list[int]:
        """Encode ``text`` so that nothing in it becomes a special token."""
        return [token for part in self._harmless(text) for token in self._encode(part, split=True)]

    def _harmless(self, text: str) -> Iterator[str]:
        """The text in parts of which none spells a whole marker.

        ``split_special_tokens`` spares added tokens that are not special (``</think>`` in some models).
        """
        start = 0
        while match := self._markers.search(text, start):
            yield text[start : match.start() + 1]
            start = match.start() + 1
        yield text[start:]

    def special_in(self, text: str) -> str | None:
        """The first special token that ``text`` spells, if it spells one."""
        found = self._markers.search(text)
        return found and found[0]

    def _pieces(self, messages: Sequence[Message], add_generation_prompt: bool) -> list[_Piece]:
        marked = [PLACEHOLDER.format(i) if message.content else "" for i, message in enumerate(messages)]
        rendered = self._render(messages, marked, add_generation_prompt)
        pieces, end = list[_Piece](), 0
        for match in PLACEHOLDERS.finditer(rendered):
            pieces.append(_Piece(rendered[end : match.start()], TEMPLATE))
            index, end = int(match[2]), match.end()
            text = messages[index].content
            text = text if match[1] else text.lstrip()
            pieces.append(_Piece(text if match[3] else text.rstrip(), index))
        pieces.append(_Piece(rendered[end:], TEMPLATE))
        return pieces

    def _render(self, messages: Sequence[Message], texts: Sequence[str], add_generation_prompt: bool) -> str:
        from jinja2 import TemplateError

        chat = [{"role": m.role, "content": text} for m, text in zip(messages, texts, strict=True)]
        try:
            rendered: str = self._tokenizer.apply_chat_template(
                chat, tokenize=False, add_generation_prompt=add_generation_prompt
            )
        except (TemplateError, ValueError) as error:
            raise FatalModelError(
                f"the chat template of {self._tokenizer.name_or_path} refuses these messages: {error}"
            ) from error
        return rendered

    def _spells_special(self, pieces: Sequence[_Piece]) -> bool:
        """Whether a special token would be read anywhere but inside a piece of the template."""
        ends = list(accumulate(len(piece.text) for piece in pieces))
        for match in self._markers.finditer("".join(piece.text for piece in pieces)):
            piece = bisect_right(ends, match.start())
            if pieces[piece].owner != TEMPLATE or match.end() > ends[piece]:
                return True
        return False

    def _encode_joined(self, pieces: Sequence[_Piece]) -> ChatTokens:
        ends = list(accumulate(len(piece.text) for piece in pieces))
        encoded = self._tokenizer(
            "".join(piece.text for piece in pieces),
            add_special_tokens=False,
            split_special_tokens=False,
            return_attention_mask=False,
            return_offsets_mapping=True,
            verbose=False,
        )
        owner = [
            # A token whose white space was trimmed from its span has an empty one, behind itself.
            pieces[bisect_right(ends, start if start < end else max(start - 1, 0))].owner
            for start, end in encoded["offset_mapping"]
        ]
        return ChatTokens(list(encoded["input_ids"]), owner)

    def _encode_apart(self, pieces: Sequence[_Piece]) -> ChatTokens:
        ids, owner = list[int](), list[int]()
        for piece in pieces:
            new = self._encode(piece.text) if piece.owner == TEMPLATE else self.encode_text(piece.text)
            ids += new
            owner += [piece.owner] * len(new)
        return ChatTokens(ids, owner)

    def _encode(self, text: str, *, split: bool = False) -> list[int]:
        if not text:
            return []
        encoded = self._tokenizer(
            text,
            add_special_tokens=False,
            split_special_tokens=split,
            return_attention_mask=False,
            verbose=False,
        )
        return list(encoded["input_ids"])


def plain_messages(messages: Sequence[Message | ToolMessage]) -> list[Message]:
    """The messages, if all are text.

    Raises:
        FatalModelError: one is a tool call or its result, which a local chat template is not asked to render.
    """
    plain = [message for message in messages if isinstance(message, Message)]
    if len(plain) < len(messages):
        raise FatalModelError(
            "in-process engines take no tool messages; use an OpenAI-compatible server for tools"
        )
    return plain
