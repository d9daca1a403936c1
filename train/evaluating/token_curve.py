"""Accuracy at an average output-token budget: O1-Journey part 2's measure, extended by votes.

``votes``: the vote of k samples costs k times the tokens of one, and is right as often as maj@k says. ``allowance``:
every problem may spend so many tokens, and the samples that fit into them, in order, vote (``train.allowance``); it
goes below the cost of one sample, where long thoughts no longer fit. Tokens are those that all seats wrote.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Literal

from longthought.train.allowance import accuracy_at, tokens_at
from longthought.train.evaluate import Evaluation
from longthought.train.results import Interval, bootstrap_mean

_ALLOWANCES = 16
COLUMNS = ("run", "by", "at", "tokens", "accuracy", "low", "high", "pass", "pass_low", "pass_high")


@dataclass(frozen=True, slots=True)
class Point:
    """``at``: votes, or tokens allowed; ``tokens``: what a problem cost on average; ``passed``: pass@k of votes."""

    by: Literal["votes", "allowance"]
    at: int
    tokens: float
    accuracy: Interval
    passed: Interval | None = None


def curve(one: Evaluation, seed: int = 0) -> list[Point]:
    """Both parts, each from few tokens to many."""
    trials = list(one.trials.values())
    mean = one.mean("tokens")
    votes = [
        Point(
            "votes",
            k,
            k * mean,
            bootstrap_mean([trial.voted(k) for trial in trials], seed=seed),
            bootstrap_mean([trial.passed(k) for trial in trials], seed=seed),
        )
        for k in one.votes
    ]
    tries = {problem: trial.tries for problem, trial in one.trials.items()}
    allowances = _allowances(
        min(each.tokens for of in tries.values() for each in of),
        max(sum(each.tokens for each in of) for of in tries.values()),
    )
    return votes + [
        Point(
            "allowance",
            allowance,
            tokens_at(tries, allowance),
            bootstrap_mean(list(accuracy_at(tries, allowance).values()), seed=seed),
        )
        for allowance in allowances
    ]


def as_csv(curves: Sequence[tuple[str, Sequence[Point]]]) -> str:
    """Curves with the names of their runs, as a table with a header."""
    out = StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for name, points in curves:
        for point in points:
            intervals = [point.accuracy] if point.passed is None else [point.accuracy, point.passed]
            figures = [f"{x:.5g}" for one in intervals for x in (one.mean, one.low, one.high)]
            table.writerow([name, point.by, point.at, f"{point.tokens:.1f}", *figures])
    return out.getvalue()


def _allowances(least: int, most: int) -> list[int]:
    """Steps of equal ratio from the cheapest sample to what the dearest problem cost in all."""
    if least <= 0:
        return [most] if most > 0 else []
    ratio = (most / least) ** (1 / (_ALLOWANCES - 1))
    return sorted({least, most, *(round(least * ratio**step) for step in range(_ALLOWANCES))})
