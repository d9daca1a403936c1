"""Attention within each row of a packed batch: rows laid end to end as one sequence, of which none sees another.

What variable-length flash attention does on a GPU (Dao et al. 2022), for every device and for float32: all other layers
see one dense sequence without padding, and attention goes row by row, so that it costs the sum of the squared lengths;
one sequence under a block-diagonal mask costs the square of their sum. It reads the rows' bounds from what TRL's
padding-free collator makes for flash attention, ``cu_seq_lens_q``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface

#: The name under which models are told to use it.
ROWS = "longthought_rows"

#: Up to here plain products beat torch's fused attention in bfloat16 on a CPU (measured, as for padded batches).
_PLAIN_LENGTH = 1024

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
    lengths = cu_seq_lens_q.diff().tolist()
    rows: Any = zip(*(heads.split(lengths, dim=2) for heads in (query, key, value)), strict=True)
    on_cpu = query.device.type == "cpu" and query.dtype == torch.bfloat16
    made: list[Any] = []
    for q, k, v in rows:
        attend = _plain if on_cpu and q.shape[2] <= _PLAIN_LENGTH else _fused
        made.append(attend(q, k, v, scaling, dropout))
    return torch.cat(made, dim=2).transpose(1, 2).contiguous(), None


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
    weights = _functional.softmax(scores.masked_fill(later, -torch.inf), dim=-1, dtype=torch.float32)
    return torch.matmul(_functional.dropout(weights.to(query.dtype), dropout), value)


_interface.register(ROWS, attend_rows)
