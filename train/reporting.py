"""Who is told the course of a training, if anybody: trackio, tensorboard, wandb; and that their packages are there."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from longthought.agents.errors import UsageError
from longthought.train.settings import Reporter, TrainSettings


def check_reporters(reporters: Sequence[Reporter]) -> None:
    """Raises UsageError: the package of one is not installed."""
    for name in reporters:
        if find_spec(name) is None:
            raise UsageError(f"report_to: {name} is not installed; `pip install {name}` or leave it out")


def reporting(settings: TrainSettings) -> dict[str, Any]:
    """The training arguments that say so; nobody unless named."""
    return {
        "report_to": list(settings.report_to) or "none",
        "project": "longthought",
        "run_name": settings.out.name,
    }
