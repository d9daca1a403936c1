"""From SFT rows to a data set of token ids and labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import Any, Literal

import numpy as np

from longthought.agents.errors import UsageError
from longthought.synth.tokens.labels import (
    IGNORED,
    Labeller,
    cuts_of,
    read_masked,
    read_messages,
    read_trained,
)
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

    A row holds ``messages`` and, if not all of the assistant's are to be learned, ``trained`` with bools.

    Raises:
        UsageError: a row without messages, with nothing to learn, or longer than ``max_length`` tokens
            (unless those are dropped); a template that ends an answer with no special token, or loses one.
    """
    encoder, labeller = RowEncoder(tokenizer), Labeller(tokenizer)
    ids, labels = list[Ids](), list[Ids]()
    dropped = 0
    stream = iter(rows)
    while chunk := list(islice(stream, _CHUNK)):
        chats = [read_messages(row.content, "messages", row.where) for row in chunk]
        masks = [read_masked(row.content, chat, row.where) for row, chat in zip(chunk, chats, strict=True)]
        encoded = encoder.encode_rows(chats, [cuts_of(masked) for masked in masks])
        for row, chat, masked, tokens in zip(chunk, chats, masks, encoded, strict=True):
            if len(tokens.ids) > max_length:
                if too_long == "error":
                    raise UsageError(
                        f"{row.where}: {len(tokens.ids)} tokens are more than max_length {max_length}; "
                        "raise max_length or set too_long: drop"
                    )
                dropped += 1
                continue
            trained = read_trained(row.content, chat, row.where)
            ids.append(tokens.ids)
            labels.append(labeller.label(row.where, chat, trained, masked, tokens))
    return tokenised(ids, labels, dropped, max_length)


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
