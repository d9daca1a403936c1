"""The embedded step scorer for Countdown: a process reward model of this project's own convention."""

from __future__ import annotations

from pathlib import Path as Directory

from longthought.agents.models.local_weights import Device
from longthought.agents.rewards.prm.layout import step_tokens
from longthought.agents.rewards.prm.process_reward import ProcessRewardModel

__all__ = ["StepScorer", "step_tokens"]


class StepScorer(ProcessRewardModel):
    """The probability that the last step is right.

    Args:
        path: directory of a model with a two-label token classification head; None takes the embedded one.
        device: where it runs; the embedded one is small enough for a CPU.

    Raises:
        UsageError: no weights there.
    """

    name = "step-scorer"

    def __init__(self, path: str | Directory | None = None, device: Device = "cpu") -> None:
        super().__init__(path, device=device)
