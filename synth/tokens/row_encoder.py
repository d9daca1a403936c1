"""Encodes the chats of rows: many at once, with the place of every token, and exact where the loss mask changes.

A row is rendered and encoded as :class:`ChatEncoder` does it; the template's pieces depend on the roles alone and are
made once for each sequence of roles. Beyond that

- the tags of a thought (``thought_tags.frame``) may become special tokens in an assistant's message; no other text may;
- where a token would reach over a place at which the mask changes, the text is cut there and its parts are encoded
  apart, so that no token is half learned. Everywhere else the tokens are those of the whole text. A tokenizer that puts
  a space of its own in front of every part cannot do that; there such a token carries no loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from longthought.agents.models.chat_tokens import TEMPLATE, ChatEncoder
from longthought.agents.models.contract import Message
from longthought.synth.telling.thought_tags import frame

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
class _Part:
    """A piece of a rendered chat: the template's ``text``, or a message's, stripped as the template does."""

    text: str
    owner: int
    left: bool
    right: bool
    #: How many special tokens the template spells in it.
    markers: int


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
        self._skeletons = dict[tuple[tuple[str, bool], ...], list[_Part]]()
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
        filled = [self._fill(chat) for chat in chats]
        texts = ["".join(stretch.text for stretch in stretches) for stretches in filled]
        encoded = self._offsets(texts)
        for chat, places, stretches, text, ids, spans in zip(
            chats, cuts, filled, texts, *encoded, strict=True
        ):
            if not self._sound(chat, stretches, text):
                yield self._apart(chat, places)
                continue
            torn = _torn(spans, stretches, places)
            if torn and self._cuts:
                yield _placed(*self._in_parts(text, torn), stretches)
                continue
            row = _placed(ids, spans, stretches)
            for place in torn:
                row.starts[(spans[:, 0] < place) & (place < spans[:, 1])] = -1
            yield row

    def _fill(self, chat: Sequence[Message]) -> list[_Stretch]:
        stretches: list[_Stretch] = []
        for part in self._parts(chat):
            if part.owner == TEMPLATE:
                stretches.append(_Stretch(part.text, TEMPLATE, 0, markup=True))
                continue
            whole = chat[part.owner].content
            text = whole.lstrip() if part.left else whole
            start = len(whole) - len(text)
            stretches.append(_Stretch(text.rstrip() if part.right else text, part.owner, start))
        return stretches

    def _parts(self, chat: Sequence[Message]) -> list[_Part]:
        """The rendered chat in parts; made once for each sequence of roles."""
        key = tuple((message.role, bool(message.content)) for message in chat)
        if key not in self._skeletons:
            probes = [Message(message.role, " x " if message.content else "") for message in chat]
            self._skeletons[key] = [
                _Part(
                    piece.text,
                    piece.owner,
                    left=not piece.text.startswith(" "),
                    right=not piece.text.endswith(" "),
                    markers=len(self._markers.findall(piece.text)),
                )
                for piece in self._pieces(probes, False)
                if piece.text
            ]
        return self._skeletons[key]

    def _sound(self, chat: Sequence[Message], stretches: Sequence[_Stretch], text: str) -> bool:
        """Whether the chat can be encoded as one text: no message is lost, and none spells a special token."""
        owned = {stretch.owner for stretch in stretches} - {TEMPLATE}
        if len(owned) < sum(1 for message in chat if message.content):
            return False
        spelled = len(self._markers.findall(text))
        own = sum(part.markers for part in self._parts(chat))
        if spelled == own:
            return True
        # More than the template writes: tags of a thought are in order, anything else is not.
        for stretch in stretches:
            if stretch.owner != TEMPLATE and chat[stretch.owner].role == "assistant":
                own += sum(
                    len(self._markers.findall(stretch.text[start:end])) for start, end in frame(stretch.text)
                )
        return spelled == own

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

    def _apart(self, chat: Sequence[Message], cuts: Cuts) -> EncodedRow:
        """A chat in which a text spells a special token: every stretch by itself, such text with its tokens split."""
        chat = [Message(m.role, m.content.encode(errors="replace").decode()) for m in chat]
        pieces = self._pieces(chat, False)
        if any(m.content and i not in {piece.owner for piece in pieces} for i, m in enumerate(chat)):
            lost = self.encode(chat, add_generation_prompt=False)
            ids, owners = np.array(lost.ids, dtype=np.int32), np.array(lost.owner, dtype=np.int32)
            return EncodedRow(ids, owners, np.zeros_like(ids))
        ids_of: list[int] = []
        places: list[tuple[int, int, int]] = []
        for piece in pieces:
            if piece.owner == TEMPLATE:
                stretches = [_Stretch(piece.text, TEMPLATE, 0, markup=True)]
            else:
                stretches = _cut(chat[piece.owner], piece.text, piece.owner, cuts.get(piece.owner, ()))
            for stretch in stretches:
                new = self._encode(stretch.text) if stretch.markup else self.encode_text(stretch.text)
                ids_of += new
                places.append((len(new), stretch.owner, stretch.start))
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


def _torn(spans: Ids, stretches: Sequence[_Stretch], cuts: Cuts) -> list[int]:
    """The places in the whole text at which the mask changes and no token ends where the next begins."""
    if not cuts:
        return []
    torn: list[int] = []
    at = 0
    for stretch in stretches:
        for cut in cuts.get(stretch.owner, ()):
            place = at + cut - stretch.start
            if at < place < at + len(stretch.text):
                behind = int(np.searchsorted(spans[:, 0], place))
                met = behind == len(spans) or spans[behind, 0] == place
                if not met or (behind and spans[behind - 1, 1] != place):
                    torn.append(place)
        at += len(stretch.text)
    return torn


def _placed(ids: Ids, spans: Ids, stretches: Sequence[_Stretch]) -> EncodedRow:
    """Ids with their owners and places, from the tokens' spans in the whole text."""
    ends = np.cumsum([len(stretch.text) for stretch in stretches])
    # A token whose white space was trimmed from its span has an empty one, behind itself.
    starts = np.where(spans[:, 0] < spans[:, 1], spans[:, 0], np.maximum(spans[:, 0] - 1, 0))
    stretch = np.searchsorted(ends, starts, side="right")
    owners = np.array([each.owner for each in stretches], dtype=np.int32)
    shift = np.array([each.start for each in stretches]) - np.concatenate([[0], ends[:-1]])
    return EncodedRow(ids, owners[stretch], (starts + shift[stretch]).astype(np.int32))


def _cut(message: Message, text: str, owner: int, cuts: Sequence[int]) -> list[_Stretch]:
    """A message's text as rendered, cut where the mask changes and around the tags of its thought."""
    whole = message.content
    # What the template stripped in front.
    start = len(whole) - len(whole.lstrip()) if len(text) < len(whole) and not whole.startswith(text) else 0
    tags = frame(text) if message.role == "assistant" else []
    inside = {cut - start for cut in cuts} | {place for span in tags for place in span}
    places = sorted({0, len(text)} | {place for place in inside if 0 < place < len(text)})
    return [
        _Stretch(text[a:b], owner, start + a, any(x <= a and b <= y for x, y in tags))
        for a, b in pairwise(places)
    ]
