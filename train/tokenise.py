"""From SFT rows to a data set of token ids and labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from itertools import groupby, islice
from typing import Any, Literal

import numpy as np

from longthought.agents.errors import UsageError
from longthought.synth.tokens.labels import (
    IGNORED,
    Labeller,
    cuts_of,
    highest_id,
    read_masked,
    read_messages,
    read_trained,
)
from longthought.synth.tokens.load import digest_of
from longthought.synth.tokens.row_encoder import Ids, RowEncoder
from longthought.train.corpus import Row

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


def tokenise_rows(
    rows: Iterable[Row], tokenizer: Any, *, max_length: int, too_long: Literal["error", "drop"] = "error"
) -> Tokenised:
    """Render, encode and label ``rows``.

    A row holds ``messages`` and, if not all of the assistant's are to be learned, ``trained`` and ``masked``; or the
    token ids and labels that an export made.

    Raises:
        UsageError: a row without messages, with nothing to learn, or longer than ``max_length`` tokens
            (unless those are dropped); a template that ends an answer with no special token, or loses one; or token
            ids of another tokenizer.
    """
    encode = _Encode(tokenizer)
    ids, labels = list[Ids](), list[Ids]()
    dropped = 0
    stream = iter(rows)
    while chunk := list(islice(stream, _CHUNK)):
        for row, (row_ids, learn) in zip(chunk, encode.rows(chunk), strict=True):
            if len(row_ids) <= max_length:
                ids.append(row_ids)
                labels.append(learn())
            elif too_long == "drop":
                dropped += 1
            else:
                raise UsageError(
                    f"{row.where}: {len(row_ids)} tokens are more than max_length {max_length}; "
                    "raise max_length or set too_long: drop"
                )
    return tokenised(ids, labels, dropped, max_length)


class _Encode:
    """Token ids of rows, and their labels when somebody asks for them."""

    def __init__(self, tokenizer: Any) -> None:
        self._encoder, self._labeller = RowEncoder(tokenizer), Labeller(tokenizer)
        self._tokenizer, self._size = tokenizer, highest_id(tokenizer) + 1

    @cached_property
    def _digest(self) -> str:
        """Of the whole tokenizer, so only made where a row was tokenised before."""
        return digest_of(self._tokenizer)

    def rows(self, chunk: Sequence[Row]) -> Iterator[tuple[Ids, Callable[[], Ids]]]:
        for made_before, run in groupby(chunk, key=lambda row: "input_ids" in row.content):
            same = list(run)
            yield from map(self._made_before, same) if made_before else self._chats(same)

    def _chats(self, chunk: Sequence[Row]) -> Iterator[tuple[Ids, Callable[[], Ids]]]:
        chats = [read_messages(row.content, "messages", row.where) for row in chunk]
        masks = [read_masked(row.content, chat, row.where) for row, chat in zip(chunk, chats, strict=True)]
        encoded = self._encoder.encode_rows(chats, [cuts_of(masked) for masked in masks])
        for row, chat, masked, tokens in zip(chunk, chats, masks, encoded, strict=True):
            trained = read_trained(row.content, chat, row.where)
            yield tokens.ids, partial(self._labeller.label, row.where, chat, trained, masked, tokens)

    def _made_before(self, row: Row) -> tuple[Ids, Callable[[], Ids]]:
        if row.content.get("tokenizer", self._digest) != self._digest:
            raise UsageError(
                f"{row.where}: these are token ids of another tokenizer; export again with --tokenize and this model"
            )
        ids, labels = (_numbers(row.content.get(column)) for column in ("input_ids", "labels"))
        if not (
            0 < len(ids) == len(labels)
            and int(ids.min()) >= 0
            and int(ids.max()) < self._size
            and bool(np.all((labels == ids) | (labels == IGNORED)))
        ):
            raise UsageError(
                f"{row.where}: `input_ids` and `labels` must be of one length, of ids below {self._size}, and "
                f"`labels` the same ids or {IGNORED}"
            )
        return ids, lambda: labels


def _numbers(given: object) -> Ids:
    """A column of whole numbers; empty where it is anything else."""
    try:
        numbers: Ids = np.array(given, dtype=np.int32)
    except (ValueError, TypeError, OverflowError):
        return np.zeros(0, dtype=np.int32)
    return numbers if numbers.ndim == 1 else np.zeros(0, dtype=np.int32)


def tokenised(ids: Sequence[Ids], labels: Sequence[Ids], dropped: int, max_length: int) -> Tokenised:
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


def _dataset(ids: Sequence[Ids], labels: Sequence[Ids]) -> Any:
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
