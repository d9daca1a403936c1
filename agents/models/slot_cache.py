"""A key–value cache with one row per running sequence, so that sequences join and leave a batch at any token.

Rows are filled from the left and each has a length of its own. Nothing is shifted or concatenated when the
batch changes: a new sequence is written into a free row, and the last row moves to where one has ended.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers.cache_utils import Cache

#: Columns are added in blocks of this many tokens.
_BLOCK = 128


class SlotCache(Cache):
    """Say what the next forward pass is, with ``prefill`` or ``decode``, then pass the cache to the model.

    Full attention only; in decoding, the attention mask must hide the columns beyond a row's newest token.
    """

    def __init__(self) -> None:
        super().__init__(layers=[])
        self._keys = list[Tensor]()  # per layer: rows × heads × columns × dimensions
        self._values = list[Tensor]()
        self._rows: Any = None
        self._source: Any = None
        self._columns: Tensor | None = None
        self._width = 0

    def prefill(self, rows: Tensor, source: Tensor) -> None:
        """Next come prompts from their first token on; ``rows[i]`` will hold the ``source[i]``-th of them."""
        self._rows, self._source, self._columns = rows, source, None

    def decode(self, rows: Tensor, columns: Tensor, width: int) -> None:
        """Next comes a token for each of rows 0…B-1, at ``columns`` (B); attention sees ``width`` columns."""
        self._rows, self._columns, self._width = rows, columns, width

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first ``length`` columns of row ``source`` over row ``target``."""
        for store in (*self._keys, *self._values):
            store[target, :, :length] = store[source, :, :length]

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Called by each layer: keep what is new (B × heads × tokens × dimensions), return what to see."""
        if layer_idx == len(self._keys):
            self._keys.append(_empty(key_states))
            self._values.append(_empty(value_states))
        keys = self._kept(self._keys, layer_idx, key_states)
        values = self._kept(self._values, layer_idx, value_states)
        return keys, values

    def _kept(self, stores: list[Tensor], layer: int, new: Tensor) -> Tensor:
        if self._columns is None:
            length = new.shape[2]
            stores[layer] = _with_room(stores[layer], int(self._rows.max()) + 1, length)
            stores[layer][self._rows, :, :length] = new.index_select(0, self._source)
            return new
        stores[layer] = _with_room(stores[layer], len(new), self._width)
        stores[layer][self._rows, :, self._columns] = new[:, :, 0]
        return stores[layer][: len(new), :, : self._width]

    # The model asks for these to build its mask in prefill, where every prompt starts at its first token;
    # a decoding step brings its own mask and positions.

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return 0

    def get_query_offset(self, layer_idx: int = 0) -> int:
        return 0

    def get_mask_sizes(self, query_length: int, layer_idx: int) -> tuple[int, int]:
        return query_length, 0


def _empty(like: Tensor) -> Tensor:
    return like.new_zeros((0, like.shape[1], 0, like.shape[3]))


def _with_room(store: Tensor, rows: int, columns: int) -> Tensor:
    have_rows, heads, have_columns, dimensions = store.shape
    if rows <= have_rows and columns <= have_columns:
        return store
    rows = have_rows if rows <= have_rows else max(rows, 2 * have_rows)
    columns = max(have_columns, -(-columns // _BLOCK) * _BLOCK)
    # Zeros, not empty: a masked column has weight 0, and 0 × NaN would be NaN.
    grown = store.new_zeros((rows, heads, columns, dimensions))
    grown[:have_rows, :, :have_columns] = store
    return grown
