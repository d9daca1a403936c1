"""What part of an optimiser step a batch is, so that the step is one mean however it is divided.

TRL's preference trainers take the mean of each batch and then the mean of those: where batches have unequally many
rows, or, for DPO's SFT term, unequally many tokens, the rows of small ones would count more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


class StepShares:
    """Goes before a trainer of TRL's; counts a step's batches, those of all processes, to weigh the mean of each by."""

    _mean_counts: Any = None

    def counts(self, batch: Any) -> Sequence[Any]:
        """What is counted in a batch: rows, and whatever else a part of the loss is a mean over."""
        raise NotImplementedError

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> Any:
        trl: Any = super()
        batches, items = trl.get_batch_samples(*args, **kwargs)
        counts = torch.stack([self._counted(batch) for batch in batches])
        trainer: Any = self
        device = trainer.accelerator.device
        self._mean_counts = trainer.accelerator.gather(counts.mean(0, keepdim=True).to(device)).mean(0)
        return batches, items

    def shares(self, batch: Any) -> Any:
        """The batch's counts beside those of the step's mean batch: 1 where all batches are alike."""
        return self._counted(batch).to(self._mean_counts.device) / self._mean_counts

    def _counted(self, batch: Any) -> Any:
        return torch.tensor([float(n) for n in self.counts(batch)])
