"""Encodes the chats of rows: many at once, and with the place of every token, by which loss masks go.

A row is rendered and encoded as :class:`ChatEncoder` does it; what the template writes around the texts is found out
once for each sequence of messages of the same shape (``skeleton``). Beyond that

- the tags of a thought (``thought_tags.frame``) may become special tokens in an assistant's message; no other text may;
- the tokens are those of the whole text whatever its mask, as a model writes them; one that reaches over a place at
  which the mask changes belongs to where it ends. Cutting the text there would mask to the character, but teach what no
  model comes to: where `]\nWait` is one token, `Wait` behind `]\n`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from longthought.agents.models.chat_tokens import TEMPLATE, ChatEncoder
from longthought.agents.models.contract import Message
from longthought.synth.tokens.skeleton import Part, Shape, shape, skeleton, text_spans

Ids = npt.NDArray[np.int32]

#: Of each message, the places in its text at which the mask changes.
Cuts = Mapping[int, Sequence[int]]


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """Token ids, for each the index of the message that it spells, or ``TEMPLATE``, and where in it it ends.

    ``lasts`` are the places of the tokens' last characters.
    """

    ids: Ids
    owners: Ids
    lasts: Ids


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A piece of a rendered chat, from ``start`` in its message; only ``markup`` may spell special tokens."""

    text: str
    owner: int
    start: int
    markup: bool = False


class RowEncoder(ChatEncoder):
    """Encodes many chats at once for one Hugging Face tokenizer.

    Raises:
        UsageError: the tokenizer has no chat template.
    """

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self._skeletons = dict[tuple[Shape, ...], list[Part] | frozenset[int]]()

    def encode_rows(self, chats: Sequence[Sequence[Message]], cuts: Sequence[Cuts]) -> Iterator[EncodedRow]:
        """Each chat, encoded; ``cuts`` has the places of each chat at which the mask changes.

        Raises:
            FatalModelError: the template refuses a chat.
        """
        filled = [self._fill(chat, places) for chat, places in zip(chats, cuts, strict=True)]
        texts = ["".join(stretch.text for stretch in stretches) for stretches in filled]
        for chat, stretches, text, ids, spans in zip(
            chats, filled, texts, *self._offsets(texts), strict=True
        ):
            if self._sound(chat, stretches, text):
                yield _placed(ids, spans, stretches)
            else:
                yield self._apart(chat, stretches)

    def _fill(self, chat: Sequence[Message], cuts: Cuts) -> list[_Stretch]:
        """The stretches of a chat: its skeleton with its texts in place."""
        whole: frozenset[int] = frozenset()
        while True:
            texts = [text_spans(m, cuts.get(i, ()), i in whole) for i, m in enumerate(chat)]
            shapes = tuple(shape(message, places) for message, places in zip(chat, texts, strict=True))
            if shapes not in self._skeletons:
                self._skeletons[shapes] = skeleton(shapes, partial(self._contents, chat))
            parts = self._skeletons[shapes]
            if isinstance(parts, list):
                return [_stretch(part, chat, texts) for part in parts]
            whole |= parts

    def _contents(self, chat: Sequence[Message], contents: list[str]) -> str:
        return self._render(chat, contents, False)

    def _sound(self, chat: Sequence[Message], stretches: Sequence[_Stretch], text: str) -> bool:
        """Whether the chat can be encoded as one text: no message is lost, and none spells a special token."""
        if _lost(chat, stretches):
            return False
        spelled = len(self._markers.findall(text))
        return spelled == sum(
            len(self._markers.findall(stretch.text)) for stretch in stretches if stretch.markup
        )

    def _apart(self, chat: Sequence[Message], stretches: Sequence[_Stretch]) -> EncodedRow:
        """A chat in which a text spells a special token: every stretch by itself, such text with its tokens split."""
        if _lost(chat, stretches):
            lost = self.encode(chat, add_generation_prompt=False)
            ids, owners = np.array(lost.ids, dtype=np.int32), np.array(lost.owner, dtype=np.int32)
            return EncodedRow(ids, owners, np.zeros_like(ids))
        found: list[tuple[Ids, Ids]] = []
        at = 0
        for stretch in stretches:
            for text in [stretch.text] if stretch.markup else self._harmless(stretch.text):
                clean = text.encode(errors="replace").decode()
                ((ids,), (spans,)) = self._offsets([clean], split=not stretch.markup)
                found.append((ids, spans + at))
                at += len(text)
        ids, spans = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return _placed(ids, spans, stretches)

    def _offsets(self, texts: Sequence[str], *, split: bool = False) -> tuple[list[Ids], list[Ids]]:
        """Ids of each text, and the span of characters of each token; ``split`` special tokens or leave them whole."""
        encoded = self._tokenizer(
            list(texts),
            add_special_tokens=False,
            split_special_tokens=split,
            return_attention_mask=False,
            return_offsets_mapping=True,
            verbose=False,
        )
        return (
            [np.array(ids, dtype=np.int32) for ids in encoded["input_ids"]],
            [np.array(spans, dtype=np.int32).reshape(-1, 2) for spans in encoded["offset_mapping"]],
        )


def _stretch(part: Part, chat: Sequence[Message], texts: Sequence[Sequence[tuple[int, int]]]) -> _Stretch:
    if part.owner == TEMPLATE:
        return _Stretch(part.text or "", TEMPLATE, 0, markup=True)
    places = texts[part.owner]
    if part.text is not None:
        start = places[part.number - 1][1] if part.number else 0
        return _Stretch(part.text, part.owner, start, markup=True)
    start, end = places[part.number]
    text = chat[part.owner].content[start:end]
    stripped = text.lstrip() if part.left else text
    start += len(text) - len(stripped)
    return _Stretch(stripped.rstrip() if part.right else stripped, part.owner, start)


def _lost(chat: Sequence[Message], stretches: Sequence[_Stretch]) -> bool:
    """Whether the template drops a message."""
    owned = {stretch.owner for stretch in stretches if not (stretch.markup and stretch.owner == TEMPLATE)}
    return any(message.content and i not in owned for i, message in enumerate(chat))


def _placed(ids: Ids, spans: Ids, stretches: Sequence[_Stretch]) -> EncodedRow:
    """Ids with their owners and places, from the tokens' spans in the whole text."""
    ends = np.cumsum([len(stretch.text) for stretch in stretches])
    # A token whose white space was trimmed from its span has an empty one, behind itself.
    starts = np.where(spans[:, 0] < spans[:, 1], spans[:, 0], np.maximum(spans[:, 0] - 1, 0))
    lasts = np.maximum(spans[:, 1] - 1, starts)
    first, last = (np.searchsorted(ends, places, side="right") for places in (starts, lasts))
    owners = np.array([stretch.owner for stretch in stretches], dtype=np.int32)
    # A token is of the message that it begins in, and ends no later than that.
    leaves = owners[first] != owners[last]
    last, lasts = np.where(leaves, first, last), np.where(leaves, ends[first] - 1, lasts)
    begins = np.array([stretch.start for stretch in stretches])
    # Markup may be written otherwise than in the message, so all of it has the place at which it begins there.
    fixed = np.array([stretch.markup for stretch in stretches])[last]
    inside = np.where(fixed, 0, lasts - np.concatenate([[0], ends[:-1]])[last])
    return EncodedRow(ids, owners[first], (begins[last] + inside).astype(np.int32))
