"""Ends a training whose loss is no number any more: its weights are none either, and no step mends them."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from transformers import TrainerCallback

from longthought.agents.errors import RunError


class FiniteLosses(TrainerCallback):
    """Looks at every line of the log; checkpoints that were saved before stay.

    Raises:
        RunError: a loss or a gradient's norm is infinite or no number; says what to change.
    """

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, float] | None = None, **_: Any
    ) -> None:
        for key in ("loss", "grad_norm"):
            value = (logs or {}).get(key)
            if value is not None and not isfinite(value):
                raise RunError(
                    f"step {state.global_step}: {key} is {value}, and nothing is saved; lower learning_rate or "
                    "max_grad_norm, or set bf16: false"
                )
