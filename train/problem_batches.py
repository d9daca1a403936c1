"""The order of GRPO's problems: that of the seed and the epoch, so that a resumed training goes on in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from trl.trainer.utils import RepeatSampler

_Sampler: Any = RepeatSampler


class ProblemSampler(_Sampler):  # type: ignore[misc]
    """TRL's sampler, which repeats a problem for its group and a batch for its iterations.

    TRL draws all epochs from one generator, of which a resumed training would see the first epoch's order again.
    """

    _epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Which epoch comes next; a resumed training begins at a later one."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        drawn = np.random.SeedSequence([self.seed, self._epoch]).generate_state(1)
        self.generator.manual_seed(int(drawn[0]))
        trl: Any = super()
        yield from trl.__iter__()
