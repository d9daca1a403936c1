"""Several trainings of one recipe against several of another: means with intervals that cover seeds and problems alike.

The bootstrap of two crossed factors, for every seed's model answers the same problems: each resample draws seeds and
draws problems, and the problems drawn are those of all its seeds (the pigeonhole bootstrap: Owen 2007, Annals of
Applied Statistics 1, arXiv 0712.1111). Two arms share the problems drawn and draw their seeds apart. Of S seeds S − 1
are drawn, not S, without which the spread between so few would come out too small by the factor (S − 1) / S (Rao and
Wu 1988, JASA 83). The interval is on the wide side where seeds hardly differ, and too narrow with two seeds that do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from longthought.agents.errors import UsageError
from longthought.train.results import RESAMPLES, Interval

#: By problem, how right a run is: from 0 to 1.
Results = Mapping[str, float]
# Problems' weights that are in memory at once: 8 MB.
_DRAWN = 1_000_000


def over_seeds(
    arm: Sequence[Results], against: Sequence[Results] = (), *, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """The arm's mean over its seeds and the problems that all runs hold; minus the other arm's, if there is one.

    Raises:
        UsageError: no problem is in all of the runs.
    """
    problems = sorted(set[str].intersection(*(set(run) for run in (*arm, *against))))
    if not problems:
        raise UsageError("the runs have no problem that all of them hold, so they cannot be compared")
    arms = [
        np.array([[run[problem] for problem in problems] for run in runs]) for runs in (arm, against) if runs
    ]
    random = np.random.default_rng(seed)
    drawn = np.empty(resamples)
    size = max(1, _DRAWN // len(problems))
    for start in range(0, resamples, size):
        rows = min(size, resamples - start)
        weights = random.multinomial(len(problems), _equal(len(problems)), rows) / len(problems)
        means = [((_seeds(len(each), rows, random) @ each) * weights).sum(axis=1) for each in arms]
        drawn[start : start + rows] = means[0] - means[1] if against else means[0]
    low, high = np.quantile(drawn, [0.025, 0.975])
    mean = arms[0].mean() - arms[1].mean() if against else arms[0].mean()
    return Interval(float(mean), float(low), float(high), len(problems))


def _seeds(count: int, rows: int, random: np.random.Generator) -> Any:
    """The weights of the seeds in each resample."""
    if count == 1:
        return np.ones((rows, 1))
    return random.multinomial(count - 1, _equal(count), rows) / (count - 1)


def _equal(count: int) -> list[float]:
    return [1 / count] * count
