"""Where a reward or a critic errs: by position, by kind of fault, and how far its scores can be trusted."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from longthought.train.judging.figures import BINS
from longthought.train.judging.said import Steps


class Cell(BaseModel):
    """The steps of one group: how many were wrong, how many of these missed, how many right ones flagged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wrong: int
    missed: int
    right: int
    false_alarms: int


class Bin(BaseModel):
    """Steps with a score from ``low`` to ``high``: their mean score, and the share of them that is right."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: float
    high: float
    steps: int
    mean_score: float | None
    right: float | None


def by_position(steps: Steps) -> list[Cell]:
    """One cell per position, the first step first."""
    places = range(int(steps.position.max()) + 1) if len(steps.position) else range(0)
    return [_cell(steps, [int(p) == place for p in steps.position]) for place in places]


def by_kind(steps: Steps) -> dict[str, Cell]:
    """One cell per kind of fault that the data name; false alarms do not occur in them."""
    kinds = sorted({kind for kind in steps.kind if kind is not None})
    return {kind: _cell(steps, [of == kind for of in steps.kind]) for kind in kinds}


def reliability(steps: Steps) -> list[Bin]:
    """Bins of equal width, those of the calibration error."""
    return list(_bins(steps))


def _cell(steps: Steps, here: list[bool]) -> Cell:
    rows = [(bool(w), bool(f)) for w, f, h in zip(steps.wrong, steps.flagged, here, strict=True) if h]
    return Cell(
        wrong=sum(w for w, _ in rows),
        missed=sum(w and not f for w, f in rows),
        right=sum(not w for w, _ in rows),
        false_alarms=sum(f and not w for w, f in rows),
    )


def _bins(steps: Steps) -> Iterator[Bin]:
    for which in range(BINS):
        low, high = which / BINS, (which + 1) / BINS
        here = (steps.score >= low) & ((steps.score < high) | (which == BINS - 1))
        some = bool(here.any())
        yield Bin(
            low=low,
            high=high,
            steps=int(here.sum()),
            mean_score=float(steps.score[here].mean()) if some else None,
            right=float((~steps.wrong[here]).mean()) if some else None,
        )
