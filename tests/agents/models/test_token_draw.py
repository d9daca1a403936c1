"""Tokens are drawn with the probabilities that temperature, top_p and the allowed set leave."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch

from longthought.agents.models.token_draw import draw_tokens

LOGITS = torch.log(torch.tensor([0.1, 0.4, 0.2, 0.3]))


def shares(
    temperature: float = 1.0, top_p: float = 1.0, allowed: list[int] | None = None
) -> dict[int, float]:
    """How often each token is drawn over an even grid of random numbers."""
    rows = 1000
    tokens, _ = draw_tokens(
        LOGITS.repeat(rows, 1),
        [temperature] * rows,
        [top_p] * rows,
        [(row + 0.5) / rows for row in range(rows)],
        {} if allowed is None else dict.fromkeys(range(rows), allowed),
    )
    return {token: count / rows for token, count in sorted(Counter(tokens).items())}


def test_temperature() -> None:
    assert shares() == pytest.approx({0: 0.1, 1: 0.4, 2: 0.2, 3: 0.3}, abs=0.002)
    assert shares(temperature=0.5) == pytest.approx({0: 1 / 30, 1: 16 / 30, 2: 4 / 30, 3: 9 / 30}, abs=0.002)
    assert shares(temperature=0) == {1: 1.0}


def test_top_p_keeps_the_fewest_tokens_that_reach_it() -> None:
    assert shares(top_p=0.6) == pytest.approx({1: 4 / 7, 3: 3 / 7}, abs=0.002)
    assert shares(top_p=0.0) == {1: 1.0}


def test_only_allowed_tokens() -> None:
    assert shares(allowed=[0, 3]) == pytest.approx({0: 0.25, 3: 0.75}, abs=0.002)
    assert shares(temperature=0, allowed=[0, 2]) == {2: 1.0}


def test_each_row_has_its_own_settings_and_the_models_own_logprob() -> None:
    tokens, logprobs = draw_tokens(LOGITS.repeat(3, 1), [0, 1, 1], [1, 1, 0.3], [0.99, 0.99, 0.99], {0: [2]})
    assert tokens == [2, 3, 1]
    assert logprobs == pytest.approx([math.log(p) for p in (0.2, 0.3, 0.4)])


@pytest.mark.parametrize("u", [0.0, 1 - 2**-53])
def test_a_token_of_probability_zero_is_never_drawn(u: float) -> None:
    logits = torch.tensor([[-torch.inf, 0.0, 0.0, -torch.inf]])
    tokens, _ = draw_tokens(logits, [1.0], [1.0], [u], {})
    assert tokens[0] in (1, 2)
