"""The profile of many thoughts: what O1-Journey part 1 (§2, Table 3) read off o1's, and what trees add to it.

Departures: O1-Journey looked at eight thoughts by hand; here each figure is over all finished thoughts, with the middle
eight tenths beside it, and growth is shown by the problem's level where there is one (in quarters where levels are
numbers and many), else by the length of its worked solution, else by the thought's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isfinite

from pydantic import BaseModel, ConfigDict

from longthought.synth.stats.text import MARKERS, Counts, counts
from longthought.synth.stats.told import Told

#: What growth is shown by.
BY_LEVEL, BY_SOLUTION, BY_THOUGHT = "level", "length of the worked solution", "length of the thought"
QUARTERS = ("shortest quarter", "second", "third", "longest quarter")
BY_HARDNESS = ("easiest quarter", "second", "third", "hardest quarter")
#: More levels than these are a measure, such as a share or a rating.
_MOST_LEVELS = 12


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Spread(_Part):
    """How a measure is spread over the thoughts; ``low`` and ``high`` are its tenth and ninetieth percentile."""

    least: int
    low: int
    median: int
    high: int
    most: int
    mean: float


class Marker(_Part):
    """How often a word comes per 1,000 words, and in what share of the thoughts."""

    per_thousand: float
    share: float


class Group(_Part):
    """Thoughts on problems that are as hard; ``markers`` are all marker words per 1,000 words."""

    name: str
    thoughts: int
    size: float
    lines: float
    markers: float
    detours: float | None
    right: float | None


class Profile(_Part):
    """Of one source. What is None cannot be told from it.

    ``size`` is in ``unit``; ``per_solved`` is what all thoughts together cost, unfinished and wrong ones too, divided
    by those that ended right.
    """

    name: str
    unit: str
    thoughts: int
    finished: int
    right: int | None
    size: Spread | None
    lines: Spread | None
    markers: dict[str, Marker]
    repeated: float
    loops: float
    dead_nodes: float | None
    detours_per_solved: float | None
    per_solved: float | None
    guessed: bool
    by: str
    growth: list[Group]


@dataclass(frozen=True, slots=True)
class _One:
    """A finished thought in numbers."""

    told: Told
    size: int
    counts: Counts


class Profiler:
    """Takes thoughts in, one at a time, and gives their profile; it keeps their numbers, not their texts.

    Args:
        size: how long a text is, in ``unit``; without it, in words.
    """

    def __init__(self, size: Callable[[str], int] | None = None, unit: str = "words") -> None:
        self._size, self._unit = size, unit
        self._finished: list[_One] = []
        self._thoughts = self._cost = self._right = self._judged = 0
        self._nodes = self._dead = self._detours = 0
        self._trees = self._guessed = False

    def add(self, told: Told) -> None:
        """Measure one thought."""
        counted = counts(told.text)
        measured = self._size(told.text) if self._size else counted.words
        self._thoughts += 1
        self._cost += measured
        self._judged += told.right is not None
        self._right += told.right is True
        self._guessed = self._guessed or told.guessed
        if told.nodes is not None and told.dead is not None:
            self._trees = True
            self._nodes += told.nodes
            self._dead += told.dead
            self._detours += (told.detours or 0) if told.right else 0
        if told.finished:
            self._finished.append(_One(replace(told, text=""), measured, counted))

    @property
    def thoughts(self) -> int:
        """How many were measured."""
        return self._thoughts

    def __add__(self, other: Profiler) -> Profiler:
        """What both have measured."""
        both = Profiler(self._size, self._unit)
        both._finished = self._finished + other._finished
        both._thoughts, both._cost = self._thoughts + other._thoughts, self._cost + other._cost
        both._right, both._judged = self._right + other._right, self._judged + other._judged
        both._nodes, both._dead = self._nodes + other._nodes, self._dead + other._dead
        both._detours = self._detours + other._detours
        both._trees, both._guessed = self._trees or other._trees, self._guessed or other._guessed
        return both

    def profile(self, name: str) -> Profile:
        """What was measured so far."""
        finished, right = self._finished, self._right
        words = sum(one.counts.words for one in finished)
        by, growth = _growth(finished)
        return Profile(
            name=name,
            unit=self._unit,
            thoughts=self._thoughts,
            finished=len(finished),
            right=right if self._judged else None,
            size=_spread([one.size for one in finished]),
            lines=_spread([one.counts.lines for one in finished]),
            markers={
                marker: Marker(
                    per_thousand=_rate(1000 * sum(one.counts.markers[marker] for one in finished), words),
                    share=_rate(sum(one.counts.markers[marker] > 0 for one in finished), len(finished)),
                )
                for marker in MARKERS
            },
            repeated=_rate(sum(one.counts.repeated for one in finished), len(finished)),
            loops=_rate(sum(one.counts.loops for one in finished), len(finished)),
            dead_nodes=_rate(self._dead, self._nodes) if self._trees else None,
            detours_per_solved=_rate(self._detours, right) if self._trees and right else None,
            per_solved=_rate(self._cost, right) if right else None,
            guessed=self._guessed,
            by=by,
            growth=growth,
        )


def _growth(thoughts: Sequence[_One]) -> tuple[str, list[Group]]:
    if thoughts and all(one.told.level is not None for one in thoughts):
        levels = sorted({one.told.level or "" for one in thoughts}, key=number_first)
        places = {level: place for place, level in enumerate(levels)}
        if len(levels) > _MOST_LEVELS and not number_first(levels[-1])[0]:
            return BY_LEVEL, _quarters(thoughts, lambda one: places[one.told.level or ""], BY_HARDNESS)
        if len(levels) > 1:
            return BY_LEVEL, [
                _group(level, [t for t in thoughts if t.told.level == level]) for level in levels
            ]
    if thoughts and all(one.told.solution is not None for one in thoughts):
        return BY_SOLUTION, _quarters(thoughts, lambda one: one.told.solution or 0)
    return BY_THOUGHT, _quarters(thoughts, lambda one: one.size)


def _quarters(
    thoughts: Sequence[_One], hardness: Callable[[_One], int], names: Sequence[str] = QUARTERS
) -> list[Group]:
    if len(thoughts) < len(names):
        return []
    ordered = sorted(thoughts, key=hardness)
    ends = [len(ordered) * quarter // len(names) for quarter in range(len(names) + 1)]
    return [_group(name, ordered[start:end]) for name, start, end in zip(names, ends, ends[1:], strict=False)]


def _group(name: str, thoughts: Sequence[_One]) -> Group:
    detours = [one.told.detours for one in thoughts if one.told.detours is not None]
    judged = [one.told.right for one in thoughts if one.told.right is not None]
    words = sum(one.counts.words for one in thoughts)
    return Group(
        name=name,
        thoughts=len(thoughts),
        size=_rate(sum(one.size for one in thoughts), len(thoughts)),
        lines=_rate(sum(one.counts.lines for one in thoughts), len(thoughts)),
        markers=_rate(1000 * sum(sum(one.counts.markers.values()) for one in thoughts), words),
        detours=_rate(sum(detours), len(detours)) if detours else None,
        right=_rate(sum(judged), len(judged)) if judged else None,
    )


def _spread(values: Sequence[int]) -> Spread | None:
    if not values:
        return None
    ordered = sorted(values)

    def at(share: float) -> int:
        return ordered[round(share * (len(ordered) - 1))]

    return Spread(
        least=ordered[0],
        low=at(0.1),
        median=at(0.5),
        high=at(0.9),
        most=ordered[-1],
        mean=_rate(sum(ordered), len(ordered)),
    )


def _rate(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0


def number_first(level: str) -> tuple[bool, float, str]:
    """A key that sorts levels: numbers by their value, before words."""
    try:
        number = float(level.removeprefix("Level "))
    except ValueError:
        return True, 0.0, level
    return (False, number, level) if isfinite(number) else (True, 0.0, level)
