"""Running a trainer to its end, from the last checkpoint if there is one, and saving what it made."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from longthought.train.artifact import save_artifact
from longthought.train.checkpoints import (
    checkpoints_of,
    drop_if_empty,
    has_ended,
    last_whole,
    take_checkpoints,
)
from longthought.train.provenance import provenance, read_record
from longthought.train.reporting import place_logs
from longthought.train.settings import TrainSettings
from longthought.train.turn_end import stop_at_turn_end

_LOGGED = (
    *("step", "epoch", "loss", "learning_rate", "grad_norm"),
    *("rewards/accuracies", "rewards/chosen", "rewards/rejected", "rewards/margins", "kl"),
    *("reward", "reward_std", "unscored", "framed", "completions/mean_length"),
)


def fit_and_save(settings: TrainSettings, trainer: Any, tokenizer: Any, counts: Mapping[str, Any]) -> Path:
    """Train, merge adapters if there are any, and save to ``settings.out``.

    ``counts`` says what was trained on, ``tokens_of_an_epoch`` among it; speed leaves padding out.

    Raises:
        RunError: the loss is no number any more.
    """
    from longthought.train.checkpoint_records import CheckpointRecords
    from longthought.train.finite import FiniteLosses

    made = {**provenance(settings), **counts}
    if trainer.is_world_process_zero():
        take_checkpoints(settings, made)
    trainer.accelerator.wait_for_everyone()
    last = last_whole(checkpoints_of(settings))
    if last and has_ended(last):
        # transformers would go on by one step more.
        trainer.args.num_train_epochs, trainer.args.max_steps = 0, -1
    before = float(read_record(last)["seconds"]) if last else 0.0
    started = time.perf_counter()

    def record_at(state: Any) -> dict[str, Any]:
        return {**made, **_course(state, counts, before + time.perf_counter() - started)}

    stop_at_turn_end(trainer.accelerator.unwrap_model(trainer.model), tokenizer)
    place_logs(settings, trainer)
    trainer.add_callback(FiniteLosses())
    trainer.add_callback(
        CheckpointRecords(settings.out.name, record_at, trainer.accelerator.wait_for_everyone)
    )
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    if trainer.is_world_process_zero():
        drop_if_empty(checkpoints_of(settings))
    return save_artifact(settings, trainer, tokenizer, record_at(trainer.state))


def _course(state: Any, counts: Mapping[str, int], seconds: float) -> dict[str, Any]:
    """How far it is, how fast it was, and every line of the log; of all parts of a resumed training together."""
    log = _rounded(state.log_history)
    epochs = float(state.epoch)
    # Who samples what it learns from counts as it goes.
    seen = int(state.num_input_tokens_seen or counts["tokens_of_an_epoch"] * epochs)
    return {
        "epochs": round(epochs, 4),
        "steps": int(state.global_step),
        "tokens_seen": seen,
        "seconds": round(seconds, 1),
        "tokens_per_second": round(seen / seconds, 1),
        "mean_loss": _mean(log),
        "final_loss": log[-1]["loss"],
        "log": log,
    }


def _mean(log: Sequence[Mapping[str, float]]) -> float:
    """The mean loss of all steps: a line's is that of the steps since the line before."""
    ends = [0, *(int(line["step"]) for line in log)]
    steps = [end - start for start, end in pairwise(ends)]
    return sum(line["loss"] * n for line, n in zip(log, steps, strict=True)) / ends[-1]


def _rounded(history: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """The trainer's log without what it sums up at the end."""
    return [
        {key: float(f"{float(entry[key]):.7g}") for key in _LOGGED if entry.get(key) is not None}
        for entry in history
        if "loss" in entry
    ]
