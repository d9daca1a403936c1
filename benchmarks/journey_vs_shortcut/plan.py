"""What is compared: arms, sizes, models, seeds, and the settings that all of them share.

The arms are told from the same debates, start from the same base model and see the same number of examples (``equal:
examples``) or of tokens (``equal: tokens``). Settings come from pilots, and are those of all arms alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

OUT = Path("out/journey")
#: Every arm is a kind of row, or journeys under a name of their own: ``shuffled`` with their detours in other places,
#: ``masked`` with no loss on the thoughts that were gone back past.
ARMS = ("shortcut", "journey", "answer_only", "shuffled", "masked")
#: Those whose rows have the journeys' lengths.
AS_LONG = ("journey", "shuffled", "masked")
SIZES = (327, 2000, 20_000)
SEEDS = (1, 2, 3)
#: Four numbers from 1 up, and what is to be made of them.
HIGHEST = 13
TARGETS = range(10, 61)
#: Unseen problems.
PROBLEMS = 500
#: Passes over the rows by number of examples; 3 as in O1-Journey would be 30 steps at 327.
EPOCHS = {327: 16, 2000: 8, 20_000: 4}
BATCH = 32
MAX_LENGTH = 1024
#: Tokens of a reply; longer ones count as cut, not as wrong answers.
REPLY = 768

_LLAMA: dict[str, Any] = {
    "max_position_embeddings": MAX_LENGTH,
    "tie_word_embeddings": True,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
}
#: Fields of ``LlamaConfig`` by name of the model, which says about how many parameters it has.
MODELS: dict[str, dict[str, Any]] = {
    "1m": _LLAMA
    | {
        "hidden_size": 160,
        "intermediate_size": 416,
        "num_hidden_layers": 3,
        "num_attention_heads": 5,
        "num_key_value_heads": 5,
        "head_dim": 32,
    },
    "5m": _LLAMA
    | {
        "hidden_size": 320,
        "intermediate_size": 832,
        "num_hidden_layers": 4,
        "num_attention_heads": 5,
        "num_key_value_heads": 5,
        "head_dim": 64,
    },
    "25m": _LLAMA
    | {
        "hidden_size": 512,
        "intermediate_size": 1376,
        "num_hidden_layers": 8,
        "num_attention_heads": 8,
        "num_key_value_heads": 8,
    },
    "100m": _LLAMA
    | {
        "hidden_size": 768,
        "intermediate_size": 2048,
        "num_hidden_layers": 14,
        "num_attention_heads": 12,
        "num_key_value_heads": 12,
    },
}
ON_A_CPU = ("1m", "5m")
VOCABULARY = 1024

#: What training shares, in the base and in the arms.
TRAINING: dict[str, Any] = {
    "scheduler": "cosine",
    "warmup": 0.03,
    "weight_decay": 0.05,
    "betas": (0.9, 0.98),
    "batch": BATCH,
    "max_length": MAX_LENGTH,
    "too_long": "drop",
    "threads": 1,
}
BASE_EPOCHS = 10
LEARNING_RATE = {"1m": 2e-3, "5m": 1e-3, "25m": 5e-4, "100m": 3e-4}
#: The part of it that an arm learns with, by number of examples: chosen after one training on 327 shortcuts at the
#: whole of it had undone half of what the base knew.
GENTLER = {327: 0.25, 2000: 0.5, 20_000: 1.0}

Equal = Literal["examples", "tokens"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One training and its evaluation."""

    model: str
    arm: str
    size: int
    equal: Equal
    seed: int

    @property
    def name(self) -> str:
        return f"{self.model}-{self.arm}-{self.size}-{self.equal}-{self.seed}"


def cells(
    models: Sequence[str] = ON_A_CPU, sizes: Sequence[int] = SIZES, seeds: Sequence[int] = SEEDS
) -> list[Cell]:
    """Small ones first, and seed by seed, so that an unfinished run says something about every arm."""
    found: list[Cell] = []
    for size, model, seed in product(sizes, models, seeds):
        for arm in ARMS:
            found.append(Cell(model, arm, size, "examples", seed))
            if arm not in AS_LONG:
                found.append(Cell(model, arm, size, "tokens", seed))
    return found
