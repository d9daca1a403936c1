"""How sure an average over problems is: the percentile bootstrap (Efron and Tibshirani 1993, chapter 13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
# Numbers drawn at once: 8 MB, whatever the number of problems.
_DRAWN = 1_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with the bounds of its 95 % interval, over ``n`` problems."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap_mean(values: Sequence[float], *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """The mean of ``values`` and its 95 % percentile interval; the same for the same seed.

    Problems are the unit that is resampled, so the samples of one problem must be averaged before.

    Raises:
        ValueError: there are no values.
    """
    if not len(values):
        raise ValueError("no values to average")
    sample = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(seed)
    n = len(sample)
    means = np.empty(resamples)
    rows = max(1, _DRAWN // n)
    for start in range(0, resamples, rows):
        stop = min(start + rows, resamples)
        means[start:stop] = sample[random.integers(0, n, size=(stop - start, n))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(sample.mean()), float(low), float(high), n)
