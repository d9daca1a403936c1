"""The figures of a reward model or critic, each with a bootstrap interval over solutions.

Everywhere the positive class is the wrong step: a true positive is a wrong step that was flagged. A figure that its
data do not define (the recall of wrong steps where none is wrong) is None, and is never counted as 0 or 1.

Sources: step F1 and first-error accuracy as in ProcessBench (Zheng et al. 2024), whose F1 is the harmonic mean of two
accuracies and no F1 of classes; MR-Score of MR-GSM8K (Zeng et al. 2023), here without the share that judged reasons
earn; ECE with equal-width bins (Guo et al. 2017); AUC with ties counted half (Hanley and McNeil 1982).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from longthought.train.judging.said import Bools, Floats, Ints, Steps

RESAMPLES = 1_000
#: Bins of the expected calibration error.
BINS = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % percentile interval; None where the data do not define it."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "not defined"
        return f"{self.value:.3f}" + ("" if self.low is None else f" [{self.low:.3f}, {self.high:.3f}]")


def figures(steps: Steps, *, seed: int = 0, resamples: int = RESAMPLES) -> dict[str, Figure]:
    """All figures by name. Solutions are what is resampled, for steps of one solution are not independent."""
    random = np.random.default_rng(seed)
    # How often each solution is drawn; the first row is the data themselves.
    draws = random.multinomial(steps.solutions, [1 / steps.solutions] * steps.solutions, size=resamples)
    weights = np.vstack([np.ones(steps.solutions, dtype=np.int64), draws]).astype(np.float64)
    found = {**_step_figures(steps, weights), **_solution_figures(steps, weights)}
    return {name: _figure(values) for name, values in found.items()}


def _figure(values: Floats) -> Figure:
    value, drawn = values[0], values[1:]
    if not np.isfinite(value):
        return Figure(None)
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return Figure(float(value))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Figure(float(value), float(low), float(high))


def bins_of(score: Floats) -> Ints:
    """The bin of each score, of ``BINS`` of equal width."""
    found: Ints = np.minimum((score * BINS).astype(np.int64), BINS - 1)
    return found


def _step_figures(steps: Steps, weights: Floats) -> dict[str, Floats]:
    tp, fp, fn, tn = _confusion(steps.wrong, steps.flagged, steps.of, weights)
    binary = bool(np.isin(steps.score, (0.0, 1.0)).all())
    return {
        "step_f1": _macro(_f1(tp, fp, fn), _f1(tn, fn, fp)),
        "step_f1_wrong": _f1(tp, fp, fn),
        "step_f1_right": _f1(tn, fn, fp),
        "step_precision": _over(tp, tp + fp),
        "step_recall": _over(tp, tp + fn),
        "false_alarms": _over(fp, fp + tn),
        "misses": _over(fn, fn + tp),
        "step_mcc": _mcc(tp, fp, fn, tn),
        "auc": _auc(steps.wrong, steps.score, weights[:, steps.of]),
        # A critic says yes or no and claims no probability, so there is nothing to calibrate.
        "ece": np.full(len(weights), np.nan) if binary else _ece(steps, weights),
    }


def _solution_figures(steps: Steps, weights: Floats) -> dict[str, Floats]:
    weights = weights[:, steps.whole]
    wrong, flagged = steps.first_error >= 0, steps.first_flag >= 0
    exact = steps.first_error == steps.first_flag
    on_wrong = _over(weights @ (wrong & exact), weights @ wrong)
    on_right = _over(weights @ (~wrong & exact), weights @ ~wrong)
    each: Ints = np.arange(weights.shape[1], dtype=np.int64)
    tp, fp, fn, tn = _confusion(wrong, flagged, each, weights)
    mcc = _mcc(tp, fp, fn, tn)
    return {
        "first_error_accuracy": on_wrong,
        "right_solution_accuracy": on_right,
        "processbench_f1": np.where(
            on_wrong + on_right == 0, 0.0, _over(2 * on_wrong * on_right, on_wrong + on_right)
        ),
        "solution_f1": _macro(_f1(tp, fp, fn), _f1(tn, fn, fp)),
        "solution_mcc": mcc,
        "mr_score_without_reasons": 0.2 * np.maximum(mcc, 0) + 0.3 * on_wrong,
    }


def _confusion(wrong: Bools, flagged: Bools, of: Ints, weights: Floats) -> tuple[Floats, ...]:
    """True positives, false positives, false negatives and true negatives, under each row of weights."""
    cells = (wrong & flagged, ~wrong & flagged, wrong & ~flagged, ~wrong & ~flagged)
    return tuple(weights @ np.bincount(of[cell], minlength=weights.shape[1]) for cell in cells)


def _over(part: Floats, whole: Floats) -> Floats:
    filled: Floats = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=filled, where=whole > 0)
    return filled


def _f1(tp: Floats, fp: Floats, fn: Floats) -> Floats:
    return _over(2 * tp, 2 * tp + fp + fn)


def _macro(one: Floats, other: Floats) -> Floats:
    """The mean over the classes that occur, in the data or in what was said of them."""
    return np.where(np.isnan(one), other, np.where(np.isnan(other), one, (one + other) / 2))


def _mcc(tp: Floats, fp: Floats, fn: Floats, tn: Floats) -> Floats:
    """Matthews' correlation; 0, as in scikit-learn, where one side is constant."""
    below = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    safe = np.where(below > 0, below, 1.0)
    empty = tp + fp + fn + tn == 0
    return np.where(empty, np.nan, np.where(below > 0, (tp * tn - fp * fn) / safe, 0.0))


def _auc(wrong: Bools, score: Floats, weights: Floats) -> Floats:
    """The chance that a right step scores above a wrong one, under each row of step weights."""
    if not len(score):
        return np.full(len(weights), np.nan)
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) > 0])
    values = np.empty(len(weights))
    for row, weight in enumerate(weights):
        weight = weight[order]
        bad = np.add.reduceat(weight * wrong[order], starts)
        good = np.add.reduceat(weight * ~wrong[order], starts)
        pairs = bad.sum() * good.sum()
        below = np.cumsum(bad) - bad / 2
        values[row] = (good * below).sum() / pairs if pairs else np.nan
    return values


def _ece(steps: Steps, weights: Floats) -> Floats:
    bins, size = bins_of(steps.score), weights.shape[1]
    gaps, total = np.zeros(len(weights)), weights @ np.bincount(steps.of, minlength=size)
    for which in range(BINS):
        here = bins == which
        gap = np.bincount(steps.of[here], steps.score[here] - ~steps.wrong[here], minlength=size)
        gaps += np.abs(weights @ gap)
    return _over(gaps, total)
