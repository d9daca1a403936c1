"""From SFT rows to token ids and labels: trained messages, and the token that ends each, count in the loss.

A row is rendered and encoded as :class:`ChatEncoder` does it, but many rows at once: the template's pieces
depend on the roles alone and are made once for each sequence of roles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from longthought.agents.errors import UsageError
from longthought.agents.models.chat_tokens import TEMPLATE, ChatEncoder, ChatTokens
from longthought.agents.models.contract import Message
from longthought.train.corpus import Row

IGNORED = -100
_Ids = npt.NDArray[np.int32]
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Tokenised:
    """A corpus ready for the trainer.

    ``dataset`` is a ``datasets.Dataset`` with the columns input_ids, labels (−100 where nothing is
    learned) and length. ``tokens`` counts those of one epoch, ``trained`` those in the loss, ``dropped`` the
    rows that were too long.
    """

    dataset: Any
    tokens: int
    trained: int
    dropped: int


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a rendered chat: the template's ``text``, or a message's, stripped as the template does."""

    text: str
    owner: int
    left: bool
    right: bool
    #: How many special tokens the template spells in it.
    markers: int

    def fill(self, chat: Sequence[Message]) -> str:
        if self.owner == TEMPLATE:
            return self.text
        text = chat[self.owner].content
        text = text.lstrip() if self.left else text
        return text.rstrip() if self.right else text


class _CorpusEncoder(ChatEncoder):
    """Encodes many chats at once, with the same result as one at a time."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self._skeletons = dict[tuple[tuple[str, bool], ...], list[_Part]]()

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

    def encode_many(self, chats: Sequence[Sequence[Message]]) -> Iterator[tuple[_Ids, _Ids]]:
        """Token ids and owners of each chat; the same as ``encode(chat, add_generation_prompt=False)``."""
        parts = [self._parts(chat) for chat in chats]
        texts = [
            [part.fill(chat) for part in chat_parts] for chat, chat_parts in zip(chats, parts, strict=True)
        ]
        encoded = self._tokenizer(
            ["".join(pieces) for pieces in texts],
            add_special_tokens=False,
            split_special_tokens=False,
            return_attention_mask=False,
            return_offsets_mapping=True,
            verbose=False,
        )
        for chat, chat_parts, pieces, ids, offsets in zip(
            chats, parts, texts, encoded["input_ids"], encoded["offset_mapping"], strict=True
        ):
            owned = len({part.owner for part in chat_parts if part.owner != TEMPLATE})
            lost = owned < sum(1 for message in chat if message.content)
            own = sum(part.markers for part in chat_parts)
            # More special tokens than the template writes: a text spells one.
            if lost or len(self._markers.findall("".join(pieces))) != own:
                yield _arrays(self.encode(chat, add_generation_prompt=False))
                continue
            spans: _Ids = np.array(offsets, dtype=np.int32).reshape(-1, 2)
            starts = np.where(spans[:, 0] < spans[:, 1], spans[:, 0], np.maximum(spans[:, 0] - 1, 0))
            piece = np.searchsorted(np.cumsum([len(text) for text in pieces]), starts, side="right")
            yield (
                np.array(ids, dtype=np.int32),
                np.array([part.owner for part in chat_parts], dtype=np.int32)[piece],
            )


def tokenise_rows(
    rows: Iterable[Row], tokenizer: Any, *, max_length: int, too_long: Literal["error", "drop"] = "error"
) -> Tokenised:
    """Render, encode and label ``rows``.

    A row holds ``messages`` and, if not all of the assistant's are to be learned, ``trained`` with bools.

    Raises:
        UsageError: a row without messages, with nothing to learn, or longer than ``max_length`` tokens
            (unless those are dropped); a template that ends an answer with no special token, or loses one.
    """
    encoder, labeller = _CorpusEncoder(tokenizer), _Labeller(tokenizer)
    ids, labels = list[_Ids](), list[_Ids]()
    dropped = 0
    stream = iter(rows)
    while chunk := list(islice(stream, _CHUNK)):
        chats = [read_messages(row, "messages") for row in chunk]
        for row, chat, (row_ids, owners) in zip(chunk, chats, encoder.encode_many(chats), strict=True):
            if len(row_ids) > max_length:
                if too_long == "error":
                    raise UsageError(
                        f"{row.where}: {len(row_ids)} tokens are more than max_length {max_length}; "
                        "raise max_length or set too_long: drop"
                    )
                dropped += 1
                continue
            ids.append(row_ids)
            labels.append(labeller.label(row, chat, row_ids, owners))
    return tokenised(ids, labels, dropped, max_length)


def tokenised(ids: Sequence[_Ids], labels: Sequence[_Ids], dropped: int, max_length: int) -> Tokenised:
    """Rows of ids and labels as a dataset.

    Raises:
        UsageError: there are none.
    """
    if not ids:
        raise UsageError(f"corpora: no rows to train on ({dropped} were longer than max_length {max_length})")
    return Tokenised(
        dataset=_dataset(ids, labels),
        tokens=sum(map(len, ids)),
        trained=int(sum(np.count_nonzero(row_labels != IGNORED) for row_labels in labels)),
        dropped=dropped,
    )


def read_messages(row: Row, column: str) -> list[Message]:
    """The chat in a row's ``column``.

    Raises:
        UsageError: it is not a list of objects with role and content.
    """
    content: Any = row.content.get(column)
    try:
        chat = [Message(message["role"], message["content"]) for message in content]
        valid = bool(chat) and all(isinstance(m.content, str) and isinstance(m.role, str) for m in chat)  # pyright: ignore[reportUnnecessaryIsInstance]
    except (TypeError, KeyError):
        chat, valid = [], False
    if not valid:
        raise UsageError(f"{row.where}: `{column}` must be a list of objects with role and content")
    return chat


class _Labeller:
    """Labels for the tokens of trained messages and, behind each, the special token that ends it."""

    def __init__(self, tokenizer: Any) -> None:
        self._special = np.zeros(len(tokenizer), dtype=np.bool_)
        added: dict[int, Any] = tokenizer.added_tokens_decoder
        self._special[[index for index, token in added.items() if token.special]] = True
        self._name = str(tokenizer.name_or_path)

    def label(self, row: Row, chat: Sequence[Message], ids: _Ids, owners: _Ids) -> _Ids:
        wanted = [
            i
            for i, (message, t) in enumerate(zip(chat, _trained(row, chat), strict=True))
            if t and message.content
        ]
        # The last entry stands for TEMPLATE, which is -1.
        table = np.zeros(len(chat) + 1, dtype=np.bool_)
        table[wanted] = True
        learned = table[owners]
        following = np.append(owners[1:], TEMPLATE - 1)
        ends = np.flatnonzero(learned & (owners != following))
        if len(ends) < len(wanted):
            raise UsageError(f"{row.where}: the chat template of {self._name} loses a trained message")
        if not wanted:
            raise UsageError(
                f"{row.where}: nothing to learn; no assistant message with text is marked as trained"
            )
        for end in ends:
            stop = int(end) + 1
            while stop < len(ids) and owners[stop] == TEMPLATE and not self._special[ids[stop]]:
                stop += 1
            if stop == len(ids) or owners[stop] != TEMPLATE:
                raise UsageError(
                    f"{row.where}: the chat template of {self._name} ends an assistant message with no "
                    "special token, so a model would not learn to stop"
                )
            learned[end + 1 : stop + 1] = True
        return np.where(learned, ids, np.int32(IGNORED))


def _trained(row: Row, chat: Sequence[Message]) -> list[bool]:
    given: Any = row.content.get("trained")
    if given is None:
        return [message.role == "assistant" for message in chat]
    flags = cast("list[bool]", given)
    if not isinstance(given, list) or len(flags) != len(chat):
        raise UsageError(
            f"{row.where}: `trained` must hold one true or false for each of {len(chat)} messages"
        )
    return flags


def _arrays(tokens: ChatTokens) -> tuple[_Ids, _Ids]:
    return np.array(tokens.ids, dtype=np.int32), np.array(tokens.owner, dtype=np.int32)


def _dataset(ids: Sequence[_Ids], labels: Sequence[_Ids]) -> Any:
    arrow: Any = import_module("pyarrow")
    datasets: Any = import_module("datasets")
    lengths = np.array([len(row) for row in ids], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    columns = [
        arrow.LargeListArray.from_arrays(arrow.array(offsets), arrow.array(np.concatenate(list(rows))))
        for rows in (ids, labels)
    ]
    table = arrow.table([*columns, arrow.array(lengths)], names=["input_ids", "labels", "length"])
    return datasets.Dataset(datasets.table.InMemoryTable(table))
