"""The rounds of a loop side by side: what was solved and learned, and how good each model is on what is held out."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from longthought.synth.picture import COLOURS, picture, save
from longthought.train.evaluate import Evaluation, evaluate, paired
from longthought.train.loops.round import Figures, Round, figures


@dataclass(frozen=True, slots=True)
class Line:
    """A round, with its accuracy and what it is above the first round's that has one; None where nothing is held out.

    ``p`` is the exact McNemar test's for that difference; ``thought`` the mean tokens of an evaluated try.
    """

    figures: Figures
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    thought: float | None = None
    gained: float | None = None
    p: float | None = None

    def told(self) -> dict[str, Any]:
        """As one mapping, for JSON and CSV."""
        told = asdict(self)
        return {**told.pop("figures"), **told}


def account(rounds: Iterable[Round]) -> Iterator[Line]:
    """A line for each round, as it ends."""
    first: Evaluation | None = None
    for one in rounds:
        if one.evaluation is None:
            yield Line(figures(one))
            continue
        found = evaluate(one.evaluation)
        first = first or found
        gap = paired(found, first)
        yield Line(
            figures(one),
            accuracy=found.accuracy.mean,
            low=found.accuracy.low,
            high=found.accuracy.high,
            thought=found.mean("policy_tokens"),
            gained=gap.difference.mean,
            p=gap.p,
        )


def as_csv(lines: Sequence[Line]) -> str:
    """With a header; empty cells where there is no value."""
    rows = [line.told() for line in lines]
    text = StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def draw(lines: Sequence[Line], title: str, file: Path) -> None:
    """Accuracy by round, with its interval, as an SVG.

    Raises:
        UsageError: as ``picture``.
    """
    points = [
        (line.figures.round, line.accuracy, line.low, line.high)
        for line in lines
        if line.accuracy is not None
    ]
    figure = picture(file, 5, 3.2)
    axes = figure.subplots()
    at = [number for number, *_ in points]
    axes.plot(at, [accuracy for _, accuracy, _, _ in points], color=COLOURS[0], marker="o")
    axes.vlines(
        at, [low for *_, low, _ in points], [high for *_, high in points], color=COLOURS[0], alpha=0.5
    )
    axes.set(xlabel="round", ylabel="accuracy, held out", ylim=(0, 1), xticks=at, title=title)
    save(figure, file)
