"""Encodes the chats of rows: many at once, with the place of every token, and exact where the loss mask changes.

A row is rendered and encoded as :class:`ChatEncoder` does it; what the template writes around the texts is found out
once for each sequence of messages of the same shape (``skeleton``). Beyond that

- the tags of a thought (``thought_tags.frame``) may become special tokens in an assistant's message; no other text may;
- where a token would reach over a place at which the mask changes, the text is cut there and its parts are encoded
  apart, so that no token is half learned. Everywhere else the tokens are those of the whole text. A tokenizer that puts
  a space of its own in front of every part cannot do that; there such a token carries no loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
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
    """Token ids, for each the index of the message that it spells, or ``TEMPLATE``, and where in it it starts.

    The start of a token that reaches over a change of the mask is −1.
    """

    ids: Ids
    owners: Ids
    starts: Ids


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
        # What stands in front of a later part of a text, so that no tokenizer takes it for a text's beginning.
        plain = (
            token.content
            for token in tokenizer.added_tokens_decoder.values()
            if token.special and not (token.lstrip or token.rstrip)
        )
        self._lead: str = next(plain, "")
        self._cuts = not tokenizer.tokenize(f"{self._lead}a")[-1].startswith("\u2581")

    def encode_rows(self, chats: Sequence[Sequence[Message]], cuts: Sequence[Cuts]) -> Iterator[EncodedRow]:
        """Each chat, encoded; ``cuts`` has the places of each chat at which the mask changes.

        Raises:
            FatalModelError: the template refuses a chat.
        """
        filled = [self._fill(chat, places) for chat, places in zip(chats, cuts, strict=True)]
        texts = ["".join(stretch.text for stretch in stretches) for stretches in filled]
        for chat, places, stretches, text, ids, spans in zip(
            chats, cuts, filled, texts, *self._offsets(texts), strict=True
        ):
            if not self._sound(chat, stretches, text):
                yield self._apart(chat, stretches, places)
                continue
            torn = _torn(spans, stretches, places)
            if torn and self._cuts:
                yield _placed(*self._in_parts(text, torn), stretches)
                continue
            row = _placed(ids, spans, stretches)
            for place in torn:
                row.starts[(spans[:, 0] < place) & (place < spans[:, 1])] = -1
            yield row

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

    def _in_parts(self, text: str, cuts: Sequence[int]) -> tuple[Ids, Ids]:
        """Ids and spans of a text whose parts between the cuts are encoded apart."""
        ids: list[Ids] = []
        spans: list[Ids] = []
        for start, end in pairwise((0, *cuts, len(text))):
            lead = self._lead if start else ""
            ((part_ids,), (part_spans,)) = self._offsets([lead + text[start:end]])
            skip = 1 if lead else 0
            ids.append(part_ids[skip:])
            # A token of white space may have its place trimmed to behind itself, but never out of its part.
            shifted = np.clip(part_spans[skip:] + (start - len(lead)), start, end)
            shifted[:, 0] = np.minimum(shifted[:, 0], end - 1)
            spans.append(shifted)
        return np.concatenate(ids), np.concatenate(spans)

    def _apart(self, chat: Sequence[Message], stretches: Sequence[_Stretch], cuts: Cuts) -> EncodedRow:
        """A chat in which a text spells a special token: every stretch by itself, such text with its tokens split."""
        if _lost(chat, stretches):
            lost = self.encode(chat, add_generation_prompt=False)
            ids, owners = np.array(lost.ids, dtype=np.int32), np.array(lost.owner, dtype=np.int32)
            return EncodedRow(ids, owners, np.zeros_like(ids))
        ids_of: list[int] = []
        places: list[tuple[int, int, int]] = []
        for stretch in stretches:
            for text, start in _cut(stretch, cuts.get(stretch.owner, ())):
                clean = text.encode(errors="replace").decode()
                new = self._encode(clean) if stretch.markup else self.encode_text(clean)
                ids_of += new
                places.append((len(new), stretch.owner, start))
        lengths, owners, starts = np.array(places, dtype=np.int32).T
        return EncodedRow(
            np.array(ids_of, dtype=np.int32), np.repeat(owners, lengths), np.repeat(starts, lengths)
        )

    def _offsets(self, texts: Sequence[str]) -> tuple[list[Ids], list[Ids]]:
        """Ids of each text, and the span of characters of each token."""
        encoded = self._tokenizer(
            list(texts),
            add_special_tokens=False,
            split_special_tokens=False,
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


def _torn(spans: Ids, stretches: Sequence[_Stretch], cuts: Cuts) -> list[int]:
    """The places in the whole text at which the mask changes and no token ends where the next begins."""
    if not cuts:
        return []
    torn: set[int] = set()
    at, whole = 0, sum(len(stretch.text) for stretch in stretches)
    for stretch in stretches:
        for cut in cuts.get(stretch.owner, ()):
            place = at + cut - stretch.start
            inside = at <= place <= at + len(stretch.text) if not stretch.markup else place == at
            if inside and 0 < place < whole:
                behind = int(np.searchsorted(spans[:, 0], place))
                met = behind == len(spans) or spans[behind, 0] == place
                if not met or (behind and spans[behind - 1, 1] != place):
                    torn.add(place)
        at += len(stretch.text)
    return sorted(torn)


def _placed(ids: Ids, spans: Ids, stretches: Sequence[_Stretch]) -> EncodedRow:
    """Ids with their owners and places, from the tokens' spans in the whole text."""
    ends = np.cumsum([len(stretch.text) for stretch in stretches])
    # A token whose white space was trimmed from its span has an empty one, behind itself.
    starts = np.where(spans[:, 0] < spans[:, 1], spans[:, 0], np.maximum(spans[:, 0] - 1, 0))
    stretch = np.searchsorted(ends, starts, side="right")
    owners = np.array([each.owner for each in stretches], dtype=np.int32)
    begins = np.array([each.start for each in stretches])
    # Markup may be written otherwise than in the message, so all of it has the place at which it begins there.
    fixed = np.array([each.markup for each in stretches])[stretch]
    inside = np.where(fixed, 0, starts - np.concatenate([[0], ends[:-1]])[stretch])
    return EncodedRow(ids, owners[stretch], (begins[stretch] + inside).astype(np.int32))


def _cut(stretch: _Stretch, cuts: Sequence[int]) -> list[tuple[str, int]]:
    """A stretch cut where the mask changes, each piece with its place."""
    if stretch.markup:
        return [(stretch.text, stretch.start)]
    inside = {cut - stretch.start for cut in cuts if 0 < cut - stretch.start < len(stretch.text)}
    places = [0, *sorted(inside), len(stretch.text)]
    return [(stretch.text[a:b], stretch.start + a) for a, b in pairwise(places)]
