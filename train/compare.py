"""Two runs over the same problems, compared pair by pair, which shows smaller differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb

from longthought.agents.errors import UsageError
from longthought.train.results import Interval, bootstrap_mean


@dataclass(frozen=True, slots=True)
class Comparison:
    """First run minus second run.

    Where a problem was tried several times its results are averages: the run with the higher one counts as
    the only one that is right, and equal ones as both right from one half on.

    Attributes:
        difference: mean of the paired differences, with the paired bootstrap's 95 % interval.
        p: two-sided exact p of :func:`mcnemar`.
        missing_in_first, missing_in_second: problems that only the other run holds; they are left out.
    """

    difference: Interval
    both_right: int
    only_first: int
    only_second: int
    neither: int
    p: float
    missing_in_first: tuple[str, ...] = ()
    missing_in_second: tuple[str, ...] = ()


def compare(first: Mapping[str, float], second: Mapping[str, float], *, seed: int = 0) -> Comparison:
    """Compare results by problem id, each from 0 (wrong) to 1 (right).

    Raises:
        UsageError: no problem is in both.
    """
    shared = sorted(first.keys() & second.keys())
    if not shared:
        raise UsageError("the two runs have no problem in common, so they cannot be compared pair by pair")
    pairs = [(first[problem], second[problem]) for problem in shared]
    only_first = sum(a > b for a, b in pairs)
    only_second = sum(a < b for a, b in pairs)
    both = sum(a == b and a >= 0.5 for a, b in pairs)
    return Comparison(
        difference=bootstrap_mean([a - b for a, b in pairs], seed=seed),
        both_right=both,
        only_first=only_first,
        only_second=only_second,
        neither=len(pairs) - both - only_first - only_second,
        p=mcnemar(only_first, only_second),
        missing_in_first=tuple(sorted(second.keys() - first.keys())),
        missing_in_second=tuple(sorted(first.keys() - second.keys())),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact McNemar test (McNemar 1947, with the binomial in place of χ²), two-sided.

    The chance of a split of the discordant problems at least as uneven as this one, if each run were as
    likely as the other to be the right one.
    """
    discordant = only_first + only_second
    tail = sum(comb(discordant, k) for k in range(min(only_first, only_second) + 1))
    # Whole numbers as long as possible: 2**1100 is no float.
    return min(1.0, 2 * tail / (1 << discordant))
