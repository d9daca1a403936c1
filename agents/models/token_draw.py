"""From logits to tokens, a whole batch at once, each row by its own settings and its own random number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


def draw_tokens(
    logits: Tensor,
    temperature: Sequence[float],
    top_p: Sequence[float],
    uniform: Sequence[float],
    allowed: Mapping[int, Sequence[int]],
) -> tuple[list[int], list[float]]:
    """One token for each row of ``logits`` (B × V), by inversion.

    Args:
        temperature: 0 takes the likeliest token.
        top_p: nucleus sampling (Holtzman et al. 2020, arXiv:1904.09751): the fewest likeliest tokens whose
            probability reaches ``top_p``.
        uniform: a number in [0, 1) per row; drawn is the token at which the summed probability passes it.
        allowed: for constrained rows, the only tokens that may be drawn.

    Returns:
        Tokens, and their log probabilities under the model itself: temperature 1, nothing left out.
    """
    scores = logits.float()
    logprobs = torch.log_softmax(scores, dim=-1)
    if allowed:
        scores = scores.clone()
    for row, tokens in allowed.items():
        kept = torch.tensor(tokens, device=scores.device)
        only = torch.full_like(scores[row], -torch.inf)
        only[kept] = scores[row, kept]
        scores[row] = only
    drawn = scores.argmax(dim=-1)
    if any(temperature):
        heat = torch.tensor([t or 1.0 for t in temperature], device=scores.device)
        probabilities = torch.softmax(scores / heat[:, None], dim=-1, dtype=torch.float64)
        if min(top_p) < 1:
            probabilities = _nucleus(probabilities, top_p)
        summed = probabilities.cumsum(dim=-1)
        mark = torch.tensor(uniform, dtype=torch.float64, device=scores.device)[:, None] * summed[:, -1:]
        # right=True never stops at a token of probability 0; the clamp is for rounding at the very end.
        sampled = torch.searchsorted(summed, mark, right=True)[:, 0].clamp_max(scores.shape[-1] - 1)
        cold = torch.tensor([t == 0 for t in temperature], device=scores.device)
        drawn = torch.where(cold, drawn, sampled)
    said = logprobs.gather(1, drawn[:, None])[:, 0]
    results: tuple[Any, Any] = drawn, said
    return results[0].tolist(), results[1].tolist()


def _nucleus(probabilities: Tensor, top_p: Sequence[float]) -> Tensor:
    ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
    before = ordered.cumsum(dim=-1) - ordered
    limit = torch.tensor(top_p, dtype=torch.float64, device=probabilities.device)[:, None]
    outside = (before >= limit) & (limit < 1)
    outside[:, 0] = False
    return torch.zeros_like(probabilities).scatter(1, order, ordered.masked_fill(outside, 0.0))
