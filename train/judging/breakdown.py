"""Where a reward or a critic errs: by position, by kind of fault, and how far its scores can be trusted."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from longthought.train.judging.figures import BINS, bins_of
from longthought.train.judging.said import Bools, Floats, Steps


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
    return [_cell(steps, steps.position == place) for place in places]


def by_kind(steps: Steps) -> dict[str, Cell]:
    """One cell per kind of fault that the data name; false alarms do not occur in them."""
    kinds = sorted({kind for kind in steps.kind if kind is not None})
    return {kind: _cell(steps, np.array([of == kind for of in steps.kind])) for kind in kinds}


def reliability(steps: Steps) -> list[Bin]:
    """Bins of equal width, those of the calibration error."""
    of = bins_of(steps.score)
    return [_bin(which, steps.score[of == which], steps.wrong[of == which]) for which in range(BINS)]


def _cell(steps: Steps, here: Bools) -> Cell:
    wrong, flagged = steps.wrong[here], steps.flagged[here]
    return Cell(
        wrong=int(wrong.sum()),
        missed=int((wrong & ~flagged).sum()),
        right=int((~wrong).sum()),
        false_alarms=int((flagged & ~wrong).sum()),
    )


def _bin(which: int, score: Floats, wrong: Bools) -> Bin:
    return Bin(
        low=which / BINS,
        high=(which + 1) / BINS,
        steps=len(score),
        mean_score=float(score.mean()) if len(score) else None,
        right=float((~wrong).mean()) if len(score) else None,
    )
