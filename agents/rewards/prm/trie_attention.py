"""Attention over a token trie: every token sees its ancestors, as in a pass over its sequence alone.

All distinct tokens of a trie go through the model as one row, so that embeddings, projections and MLPs see each once
and no padding. Only here are branches told apart: the new tokens of a branch are queries, all tokens from the root to
its end are keys, and branches of similar size share a call. So attention costs at most what it costs one by one, which
an attention mask over the whole row would not keep (it grows with the square of the trie). Positions are depths.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longthought.agents.rewards.prm.token_trie import Branch, Places, TokenTrie

#: How transformers calls this attention.
NAME = "longthought_trie"


@dataclass(frozen=True, slots=True)
class _Group:
    """Branches that share a call: n of them, at most q new tokens and k tokens in all."""

    #: (n, q) and (n, k): places in the row; 0 where a branch is shorter.
    queries: Any
    keys: Any
    #: (n, 1, q, k): what sees what; None if the causal mask says it.
    mask: Any | None
    #: (m,) places of the real queries, and where they stand among the n·q.
    real: Any
    at: Any


@dataclass(frozen=True, slots=True)
class TriePlan:
    """A trie as tensors: ``ids`` and ``positions`` have the shape (1, tokens)."""

    ids: Any
    positions: Any
    groups: tuple[_Group, ...]


def plan_of(trie: TokenTrie, device: Any) -> TriePlan:
    """Everything that one forward pass needs, on its device."""
    import torch

    buckets: defaultdict[tuple[int, int, bool], list[Branch]] = defaultdict(list)
    for branch in trie.branches:
        length = len(branch.places)
        buckets[_rung(branch.new), _rung(length), branch.new == length].append(branch)
    return TriePlan(
        torch.tensor([trie.ids], device=device),
        torch.tensor([trie.depths], device=device),
        tuple(_group(branches, whole, device) for (_, _, whole), branches in buckets.items()),
    )


def use_trie_attention(model: Any) -> None:
    """Make a transformers model take a ``trie`` in its forward pass.

    Raises:
        ValueError: its attention cannot be replaced.
    """
    from transformers import AttentionInterface

    interface: Any = AttentionInterface
    interface.register(NAME, attend)
    model.set_attn_implementation(NAME)


def attend(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    scaling: float | None = None,
    *,
    trie: TriePlan,
    **_: Any,
) -> tuple[Any, None]:
    """transformers' attention interface. Queries, keys and values have the shape (1, heads, tokens, head size)."""
    import torch

    # (tokens, heads, head size), which is how they lie in memory: whole rows are gathered.
    queries, keys, values = (each[0].transpose(0, 1) for each in (query, key, value))
    told = torch.empty_like(queries)
    for group in trie.groups:
        output = torch.nn.functional.scaled_dot_product_attention(
            _rows(queries, group.queries),
            _rows(keys, group.keys),
            _rows(values, group.keys),
            attn_mask=group.mask,
            is_causal=group.mask is None,
            scale=scaling,
            enable_gqa=query.shape[1] != key.shape[1],
        )
        told.index_copy_(0, group.real, output.transpose(1, 2).flatten(0, 1).index_select(0, group.at))
    return told[None], None


def _rows(tokens: Any, which: Any) -> Any:
    """(tokens, heads, head size) at places (n, length), as (n, heads, length, head size)."""
    return tokens.index_select(0, which.flatten()).unflatten(0, which.shape).transpose(1, 2)


def _rung(size: int) -> int:
    """The branch's class by size: those of one rung differ by less than a half."""
    power = 1 << max(size - 1, 7).bit_length()
    return power * 3 // 4 if size <= power * 3 // 4 else power


def _group(branches: list[Branch], whole: bool, device: Any) -> _Group:
    import torch

    lengths: Places = np.array([len(branch.places) for branch in branches])
    new: Places = np.array([branch.new for branch in branches])
    longest, most_new = int(lengths.max()), int(new.max())
    keys = np.zeros((len(branches), longest), dtype=np.int64)
    queries = np.zeros((len(branches), most_new), dtype=np.int64)
    for row, branch in enumerate(branches):
        keys[row, : len(branch.places)] = branch.places
        queries[row, : branch.new] = branch.places[-branch.new :]
    real: NDArray[np.bool_] = np.arange(most_new) < new[:, None]
    # A key's index is its depth: what is deeper than the query is a later token of the branch, or padding.
    depths = np.where(real, np.arange(most_new) + (lengths - new)[:, None], 0)
    mask = None if whole else (np.arange(longest) <= depths[..., None])[:, None]
    at = np.flatnonzero(real)

    def tensor(array: NDArray[Any]) -> Any:
        return torch.as_tensor(array, device=device)

    return _Group(
        tensor(queries),
        tensor(keys),
        None if mask is None else tensor(mask),
        tensor(queries.reshape(-1)[at]),
        tensor(at),
    )
