"""Attention within each row of a packed batch: rows laid end to end as one sequence, of which none sees another.

What variable-length flash attention does on a GPU (Dao et al. 2022), for every device and for float32: all other layers
see one dense sequence without padding, and attention costs about the sum of the squared lengths; one sequence under a
block-diagonal mask costs the square of their sum. Rows of similar length attend together, padded at their ends, where
causal attention never looks: row by row is slow where rows are many and short. The rows' bounds are those that TRL's
padding-free collator makes for flash attention, ``cu_seq_lens_q``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface

#: The name under which models are told to use it.
ROWS = "longthought_rows"

#: Up to here plain products beat torch's fused attention in bfloat16 on a CPU by far (measured); the scores of longer
#: rows would take more memory than padded rows do there.
_PLAIN_LENGTH = 384
#: Scores of padding for each that is needed, at most, in a group of rows that attend together.
_WASTE = 0.5

_functional: Any = functional
_interface: Any = AttentionInterface


def rows_suffice(model: Any) -> bool:
    """Whether a model's attention is causal over the whole row and nothing else: no window, no capped scores."""
    config = model.config.get_text_config()
    kinds: list[str] = getattr(config, "layer_types", None) or []
    special = ("sliding_window", "attention_chunk_size", "attn_logit_softcapping")
    return (
        bool(model._supports_attention_backend)
        and all(kind == "full_attention" for kind in kinds)
        and not any(getattr(config, key, None) for key in special)
    )


def attend_rows(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    scaling: float | None = None,
    dropout: float = 0.0,
    *,
    cu_seq_lens_q: Any,
    **_: Any,
) -> tuple[Any, None]:
    """Heads of one packed sequence, (1, heads, tokens, size), to what they attend to, (1, tokens, heads, size)."""
    groups, places, size = _groups(tuple(cu_seq_lens_q.diff().tolist()))
    at = places.to(query.device)
    # Rotary positions leave float32, whatever the products are computed in.
    kind = query.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else query.dtype
    plain = kind == "cpu" and dtype == torch.bfloat16
    # Copied into their places rather than gathered: the gradient of a copy is a gather, which is the faster way round.
    padded = [
        heads.new_zeros(size, heads.shape[1], heads.shape[3], dtype=dtype).index_copy(
            0, at, heads[0].transpose(0, 1).to(dtype)
        )
        for heads in (query, key, value)
    ]
    made: list[Any] = []
    before = 0
    for rows, longest in groups:
        after = before + rows * longest
        q, k, v = (heads[before:after].unflatten(0, (rows, longest)).transpose(1, 2) for heads in padded)
        attend = _plain if plain and longest <= _PLAIN_LENGTH else _fused
        made.append(attend(q, k, v, scaling, dropout).transpose(1, 2).flatten(0, 1))
        before = after
    return torch.cat(made).index_select(0, at).unsqueeze(0), None


@lru_cache(maxsize=4)
def _groups(lengths: tuple[int, ...]) -> tuple[list[tuple[int, int]], Any, int]:
    """Rows in groups of similar length, as (rows, tokens a row); the place of every token there; how many places."""
    starts = [0]
    for length in lengths:
        starts.append(starts[-1] + length)
    places = torch.empty(starts[-1], dtype=torch.int64)
    groups: list[tuple[int, int]] = []
    size = 0
    for rows in _similar(lengths):
        longest = lengths[rows[-1]]
        for row in rows:
            places[starts[row] : starts[row + 1]] = torch.arange(size, size + lengths[row])
            size += longest
        groups.append((len(rows), longest))
    return groups, places, size


def _similar(lengths: Sequence[int]) -> list[list[int]]:
    """Rows by length, cut where a longer one would waste more than ``_WASTE`` of a group's scores."""
    groups: list[list[int]] = []
    needed = 0
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        square = lengths[row] ** 2
        if groups and (len(groups[-1]) + 1) * square <= (1 + _WASTE) * (needed + square):
            groups[-1].append(row)
            needed += square
        else:
            groups.append([row])
            needed = square
    return groups


def _fused(query: Any, key: Any, value: Any, scaling: float | None, dropout: float) -> Any:
    grouped = query.shape[1] != key.shape[1]
    return _functional.scaled_dot_product_attention(
        query, key, value, dropout_p=dropout, is_causal=True, scale=scaling, enable_gqa=grouped
    )


def _plain(query: Any, key: Any, value: Any, scaling: float | None, dropout: float) -> Any:
    shared = query.shape[1] // key.shape[1]
    if shared > 1:
        key, value = (heads.repeat_interleave(shared, dim=1) for heads in (key, value))
    n = query.shape[2]
    scores = torch.matmul(query, key.transpose(2, 3)) * (scaling or query.shape[3] ** -0.5)
    later = torch.ones(n, n, dtype=torch.bool, device=query.device).triu(1)
    # In float32 within, and kept for the gradient at the products' own precision: a third of the memory.
    weights = _functional.softmax(scores.masked_fill(later, -torch.inf), dim=-1)
    return torch.matmul(_functional.dropout(weights, dropout), value)


_interface.register(ROWS, attend_rows)
