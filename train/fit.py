"""Running a trainer to its end and saving what it made, with what was measured on the way."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from longthought.train.artifact import save_artifact
from longthought.train.settings import TrainSettings

_LOGGED = (
    *("step", "epoch", "loss", "learning_rate", "grad_norm"),
    *("rewards/accuracies", "rewards/chosen", "rewards/rejected", "rewards/margins", "kl"),
    *("reward", "reward_std", "unscored", "framed", "completions/mean_length"),
)


def fit_and_save(
    settings: TrainSettings, kind: str, trainer: Any, tokenizer: Any, counts: Mapping[str, int]
) -> Path:
    """Train, merge adapters if there are any, and save to ``settings.out``.

    ``counts`` says what was trained on, ``tokens_of_an_epoch`` among it; speed leaves padding out.
    """
    started = time.perf_counter()
    result = trainer.train()
    seconds = time.perf_counter() - started
    log = _rounded(trainer.state.log_history)
    epochs = float(trainer.state.epoch)
    # Who samples what it learns from counts as it goes.
    seen = int(trainer.state.num_input_tokens_seen or counts["tokens_of_an_epoch"] * epochs)
    measured = {
        **counts,
        "epochs": round(epochs, 4),
        "steps": int(trainer.state.global_step),
        "tokens_seen": seen,
        "seconds": round(seconds, 1),
        "tokens_per_second": round(seen / seconds, 1),
        "mean_loss": float(result.training_loss),
        "final_loss": log[-1]["loss"] if log else float(result.training_loss),
        "log": log,
    }
    checkpoints = Path(trainer.args.output_dir)
    if checkpoints.is_dir() and not any(checkpoints.iterdir()):
        checkpoints.rmdir()
    model = trainer.model.merge_and_unload() if settings.lora else trainer.model
    return save_artifact(settings, kind, model, tokenizer, measured)


def _rounded(history: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """The trainer's log without what it sums up at the end."""
    return [
        {key: float(f"{float(entry[key]):.5g}") for key in _LOGGED if entry.get(key) is not None}
        for entry in history
        if "loss" in entry
    ]
