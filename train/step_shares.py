"""What part of an optimiser step a batch is, so that the step is one mean however it is divided.

TRL's preference trainers take the mean of each batch and then the mean of those: where batches have unequally many
rows, or, for DPO's SFT term, unequally many tokens, the rows of small ones would count more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

#: What is counted in a batch: rows, and whatever else a part of the loss is a mean over.
Count = Callable[[Any], Sequence[Any]]


class StepShares:
    """Counts of a step's batches, those of all processes, to weigh the mean of each batch by."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._mean: Any = None

    def begin(self, trainer: Any, batches: Sequence[Any]) -> None:
        """A step on these batches of this process begins."""
        counts = torch.stack([self._counted(batch) for batch in batches])
        every = trainer.accelerator.gather(counts.mean(0, keepdim=True).to(trainer.accelerator.device))
        self._mean = every.mean(0)

    def of(self, batch: Any) -> Any:
        """Its counts beside those of the step's mean batch: 1 where all batches are alike."""
        return self._counted(batch).to(self._mean.device) / self._mean

    def _counted(self, batch: Any) -> Any:
        return torch.tensor([float(n) for n in self._count(batch)])
