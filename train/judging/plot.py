"""The picture of a passport: how far its scores can be trusted, and what it misses by kind of fault or by position."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longthought.synth.picture import picture, save
from longthought.train.judging.passport import Passport

_RIGHT, _WRONG = "#2a6f97", "#c1121f"


def draw(passport: Passport, file: Path) -> None:
    """Write an SVG.

    Raises:
        UsageError: as ``picture``.
    """
    figure = picture(file, 9, 3.6)
    left, right = figure.subplots(1, 2)
    _reliability(left, passport)
    _misses(right, passport)
    figure.suptitle(f"{passport.subject.name} on {passport.data.name}", fontsize=10)
    save(figure, file)


def _reliability(axes: Any, passport: Passport) -> None:
    bins = [b for b in passport.reliability if b.steps]
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    axes.scatter(
        [b.mean_score for b in bins],
        [b.right for b in bins],
        s=[12 + 120 * b.steps / max(1, passport.data.labelled_steps) for b in bins],
        color=_RIGHT,
    )
    axes.plot([b.mean_score for b in bins], [b.right for b in bins], color=_RIGHT, linewidth=1)
    ece = passport.figures["ece"]
    axes.set(xlabel="score", ylabel="share of right steps", xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    axes.set_title(f"calibration error {ece}" if ece.value is not None else "no probabilities", fontsize=9)


def _misses(axes: Any, passport: Passport) -> None:
    kinds = passport.by_kind or {f"step {i}": cell for i, cell in enumerate(passport.by_position, start=1)}
    rows = list(kinds.items())[:14]
    places = range(len(rows))
    missed = [cell.missed / cell.wrong if cell.wrong else 0.0 for _, cell in rows]
    alarms = [cell.false_alarms / cell.right if cell.right else 0.0 for _, cell in rows]
    axes.barh([p - 0.2 for p in places], missed, height=0.38, color=_WRONG, label="wrong steps missed")
    axes.barh([p + 0.2 for p in places], alarms, height=0.38, color=_RIGHT, label="right steps flagged")
    axes.set_yticks(list(places), [name for name, _ in rows], fontsize=7)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share")
    axes.legend(fontsize=7, frameon=False)
