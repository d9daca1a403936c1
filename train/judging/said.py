"""What was said of the steps of labelled solutions, in the arrays that every figure is counted from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longthought.synth.labelled.record import LabelledSolution

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Said:
    """One solution and how likely each step is right: 0 or 1 from a critic, None where nothing was read."""

    solution: LabelledSolution
    scores: tuple[float | None, ...]


@dataclass(frozen=True)
class Steps:
    """All labelled and read steps of all solutions, one element each, and the solutions as wholes.

    ``flagged``: the score is below the threshold. ``of`` is the index of the step's solution. Of whole solutions with
    every step read up to the first error: ``first_error`` and ``first_flag``, −1 where there is none.
    """

    wrong: Bools
    score: Floats
    flagged: Bools
    of: Ints
    position: Ints
    kind: tuple[str | None, ...]
    first_error: Ints
    first_flag: Ints
    whole: Ints
    solutions: int
    unscored: int


def steps_of(said: Sequence[Said], *, threshold: float = 0.5, neutral: str = "right") -> Steps:
    """Flatten.

    Args:
        threshold: a step is flagged when its score is below.
        neutral: what a neutral label counts as, ``right`` (as in Let's Verify Step by Step) or ``wrong``.
    """
    wrong: list[bool] = []
    score: list[float] = []
    of: list[int] = []
    position: list[int] = []
    kind: list[str | None] = []
    wholes: list[tuple[int, int, int]] = []
    unscored = 0
    for number, one in enumerate(said):
        labels = [neutral if label == "neutral" else label for label in one.solution.labels]
        for at, (label, value) in enumerate(zip(labels, one.scores, strict=True)):
            if label is None:
                continue
            if value is None:
                unscored += 1
                continue
            wrong.append(label == "wrong")
            score.append(value)
            of.append(number)
            position.append(at)
            kind.append(one.solution.kinds[at] if one.solution.kinds else None)
        if one.solution.whole:
            error = labels.index("wrong") if "wrong" in labels else -1
            flag = next((i for i, v in enumerate(one.scores) if v is not None and v < threshold), -1)
            # A solution with an unread step before anything was flagged says nothing as a whole.
            before = one.scores[:flag] if flag >= 0 else one.scores
            if None not in before:
                wholes.append((number, error, flag))
    scores = np.array(score, dtype=np.float64)
    firsts = np.array(wholes, dtype=np.int64).reshape(-1, 3)
    return Steps(
        wrong=np.array(wrong, dtype=np.bool_),
        score=scores,
        flagged=scores < threshold,
        of=np.array(of, dtype=np.int64),
        position=np.array(position, dtype=np.int64),
        kind=tuple(kind),
        first_error=firsts[:, 1],
        first_flag=firsts[:, 2],
        whole=firsts[:, 0],
        solutions=len(said),
        unscored=unscored,
    )
