"""Who is told the course of a training, if anybody: trackio, tensorboard, wandb; and that their packages are there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from longthought.agents.errors import UsageError
from longthought.train.settings import Reporter, TrainSettings

_LOGS = "TENSORBOARD_LOGGING_DIR"


def check_reporters(reporters: Sequence[Reporter]) -> None:
    """Raises UsageError: the package of one is not installed."""
    for name in reporters:
        if find_spec(name) is None:
            raise UsageError(f"report_to: {name} is not installed; `pip install {name}` or leave it out")


def reporting(settings: TrainSettings) -> dict[str, Any]:
    """The training arguments that say so; nobody unless named. trackio and tensorboard write files, wandb sends."""
    if "wandb" in settings.report_to:
        os.environ.setdefault("WANDB_PROJECT", "longthought")
    return {
        "report_to": list(settings.report_to) or "none",
        "project": "longthought",
        "run_name": settings.out.name,
        # trackio would publish a page of a training that it was told to keep elsewhere.
        "trackio_static_space_id": False,
    }


def place_logs(settings: TrainSettings, trainer: Any) -> None:
    """tensorboard's files go to ``<out>-logs`` or where its own variable says, and not among the checkpoints."""
    from transformers.integrations.integration_utils import TensorBoardCallback

    for callback in trainer.callback_handler.callbacks:
        if isinstance(callback, TensorBoardCallback) and _LOGS not in os.environ:
            callback.logging_dir = f"{settings.out}-logs"
