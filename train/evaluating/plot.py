"""The picture of token curves side by side: accuracy over what a problem costs on average."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from longthought.synth.picture import COLOURS, label, picture, save
from longthought.train.evaluating.token_curve import Point


def draw_curves(curves: Sequence[tuple[str, Sequence[Point]]], file: Path) -> None:
    """Write an SVG or a PNG, by the file's ending; the same curves draw the same SVG."""
    figure = picture(file, 7.5, 4.2)
    axes = figure.subplots()
    for place, (name, points) in enumerate(curves):
        colour = COLOURS[place % len(COLOURS)]
        votes = [point for point in points if point.by == "votes" and point.tokens > 0]
        allowed = [point for point in points if point.by == "allowance" and point.tokens > 0]
        tokens = [point.tokens for point in votes]
        called = label(name)
        axes.plot(tokens, [p.accuracy.mean for p in votes], "o-", color=colour, label=f"{called}, maj@k")
        axes.fill_between(
            tokens,
            [p.accuracy.low for p in votes],
            [p.accuracy.high for p in votes],
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
        passed = [p.passed.mean for p in votes if p.passed is not None]
        if len(passed) > 1:
            axes.plot(tokens, passed, "--", color=colour, linewidth=1, label=f"{called}, pass@k")
        axes.plot(
            [p.tokens for p in allowed],
            [p.accuracy.mean for p in allowed],
            ":",
            color=colour,
            linewidth=1,
            label=f"{called}, within an allowance",
        )
    if any(point.tokens > 0 for _, points in curves for point in points):
        axes.set_xscale("log")
    axes.set(xlabel="output tokens a problem, on average", ylabel="accuracy", ylim=(-0.02, 1.02))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, frameon=False)
    save(figure, file)
