"""A key–value cache with one row per running sequence, so that sequences may join and leave a batch at any token.

Rows are filled from the left and each has a length of its own. Nothing is shifted or concatenated when the
batch changes: a new sequence is written into a free row, and the last row moves into the place of one that
has ended.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

#: Columns are added in blocks of this many tokens.
_BLOCK = 128


class SlotCache(Cache):
    """The cache of all layers. Say what the next forward pass is with ``prefill`` or ``decode``, then pass it to the model.

    Full attention only; the model's attention mask must hide the columns at and beyond a row's length.
    """

    def __init__(self, layers: int) -> None:
        self.slots = [_SlotLayer() for _ in range(layers)]
        super().__init__(layers=list(self.slots))

    def prefill(self, rows: Tensor, source: Tensor) -> None:
        """Next come prompts from their first token on; row ``rows[i]`` gets the i-th of ``source`` in that batch."""
        for slot in self.slots:
            slot.rows, slot.source, slot.columns = rows, source, None

    def decode(self, rows: Tensor, columns: Tensor, width: int) -> None:
        """Next comes one token for each of the rows 0…B-1, at ``columns`` (B); attention sees ``width`` columns."""
        for slot in self.slots:
            slot.rows, slot.columns, slot.width = rows, columns, width

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first ``length`` columns of row ``source`` over row ``target``."""
        for slot in self.slots:
            if slot.is_initialized:
                slot.keys[target, :, :length] = slot.keys[source, :, :length]
                slot.values[target, :, :length] = slot.values[source, :, :length]


class _SlotLayer(CacheLayerMixin):
    is_sliding = False
    keys: Tensor
    values: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.rows = torch.empty(0)
        self.source = torch.empty(0)
        self.columns: Tensor | None = None
        self.width = 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.keys, self.values = (
            x.new_zeros((0, x.shape[1], 0, x.shape[3])) for x in (key_states, value_states)
        )
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        rows, columns = self.rows, self.columns
        if columns is None:
            length = key_states.shape[2]
            self._reserve(int(rows.max()) + 1, length)
            self.keys[rows, :, :length] = key_states.index_select(0, self.source)
            self.values[rows, :, :length] = value_states.index_select(0, self.source)
            return key_states, value_states
        batch = key_states.shape[0]
        self._reserve(batch, self.width)
        self.keys[rows, :, columns] = key_states[:, :, 0]
        self.values[rows, :, columns] = value_states[:, :, 0]
        return self.keys[:batch, :, : self.width], self.values[:batch, :, : self.width]

    def _reserve(self, rows: int, columns: int) -> None:
        have_rows, have_columns = self.keys.shape[0], self.keys.shape[2]
        if rows <= have_rows and columns <= have_columns:
            return
        rows = have_rows if rows <= have_rows else max(rows, 2 * have_rows)
        columns = max(have_columns, -(-columns // _BLOCK) * _BLOCK)
        self.keys, self.values = (_grown(x, rows, columns) for x in (self.keys, self.values))

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return query_length, 0  # asked in prefill only: a decoding step brings its own mask

    def get_seq_length(self) -> int:
        return 0

    def get_max_length(self) -> int:
        return -1


def _grown(old: Tensor, rows: int, columns: int) -> Tensor:
    # Zeros, not empty: a masked column has weight 0, and 0 × NaN would be NaN.
    new = old.new_zeros((rows, old.shape[1], columns, old.shape[3]))
    new[: old.shape[0], :, : old.shape[2]] = old
    return new
