"""The picture of profiles side by side: how long thoughts are, how they turn, and how both grow."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from longthought.synth.picture import COLOURS, label, picture, save
from longthought.synth.stats.profile import BY_LEVEL, BY_SOLUTION, BY_THOUGHT, Profile
from longthought.synth.stats.text import MARKERS

#: Lines of growth, by what the thoughts were grouped.
_STYLES = {BY_LEVEL: "-", BY_SOLUTION: "--", BY_THOUGHT: ":"}


def draw(profiles: Sequence[Profile], file: Path) -> None:
    """Write an SVG or a PNG, by the file's ending; the same profiles draw the same SVG."""
    figure = picture(file, 12, 3.8)
    sizes, markers, growth = figure.subplots(1, 3)
    _sizes(sizes, profiles)
    _markers(markers, profiles)
    _growth(growth, profiles)
    save(figure, file)


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _name(profile: Profile) -> str:
    name = profile.name if len(profile.name) <= 34 else f"…{profile.name[-33:]}"
    return label(name)


def _sizes(axes: Any, profiles: Sequence[Profile]) -> None:
    for place, one in enumerate(profiles):
        if one.size is not None:
            axes.plot(
                [max(1, one.size.low), max(1, one.size.high)], [place] * 2, color=_colour(place), linewidth=3
            )
            axes.plot([max(1, one.size.median)], [place], "o", color=_colour(place), markersize=8)
    axes.set_yticks(range(len(profiles)), [_name(one) for one in profiles], fontsize=7)
    axes.set(xscale="log", xlabel=f"{profiles[0].unit} a thought", ylim=(len(profiles) - 0.5, -0.5))
    _plain_numbers(axes.xaxis)
    axes.set_title("median, and the middle eight tenths", fontsize=9)


def _plain_numbers(axis: Any) -> None:
    """Ticks at 1, 2 and 5 of each power of ten, written out."""
    ticker: Any = import_module("matplotlib.ticker")
    axis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
    axis.set_minor_formatter(ticker.NullFormatter())
    axis.set_tick_params(labelsize=7)


def _markers(axes: Any, profiles: Sequence[Profile]) -> None:
    height = 0.8 / len(profiles)
    for place, one in enumerate(profiles):
        axes.barh(
            [marker + (place + 0.5) * height - 0.4 for marker in range(len(MARKERS))],
            [one.markers[marker].per_thousand for marker in MARKERS],
            height=height,
            color=_colour(place),
        )
    axes.set_yticks(range(len(MARKERS)), MARKERS, fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel="per 1,000 words")
    axes.set_title("marker words", fontsize=9)


def _growth(axes: Any, profiles: Sequence[Profile]) -> None:
    for place, one in enumerate(profiles):
        if one.growth:
            at = [number / max(1, len(one.growth) - 1) for number in range(len(one.growth))]
            sizes = [max(1.0, group.size) for group in one.growth]
            axes.plot(at, sizes, marker="o", color=_colour(place), linestyle=_STYLES[one.by])
    axes.set(xlabel="from easy to hard", ylabel=f"{profiles[0].unit} a thought, mean", yscale="log")
    _plain_numbers(axes.yaxis)
    axes.set_xticks([0, 1], ["easiest", "hardest"])
    used = {one.by for one in profiles if one.growth}
    for by in (by for by in _STYLES if by in used):
        axes.plot([], [], color="black", linestyle=_STYLES[by], label=f"by {by}")
    if used:
        axes.legend(fontsize=7, frameon=False)
    axes.set_title("growth with difficulty", fontsize=9)
