"""Equations between numbers in plain text, ``48/2 = 24 clips``: found in linear time, and checked exactly.

Only what stands there whole is taken: a piece of a longer expression, or one that words or symbols go on with, is
left alone, for a check that cries wolf is worse than none. Also reads ``3 × 4``, ``$1,200.50``, ``20%``, ``\\cdot``
and chains ``2*3 = 6 = 12/2``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from longthought.agents.rewards.arithmetic import MAX_LENGTH, NotArithmetic, evaluate

NUMBER = r"(?:\d{1,12}(?:,\d{3})*(?:\.\d{1,9})?|\.\d{1,9})"
#: Signs for what the evaluator calls by one name; all of one length, so that places in the text stay.
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"})
_COMMANDS = re.compile(r"\\(?:cdot|times|div)(?![A-Za-z])|\\(?=[$%])")
_NAMES = {"\\cdot": "*", "\\times": "*", "\\div": "/"}
#: A stretch of text in which nothing but numbers, operators and equals signs stands.
_RUN = re.compile(r"[0-9.,$%()+\-*/x= \t]+")
_NUMBER = re.compile(NUMBER)
_TIMES = re.compile(r"(?<=[\d)%])[ \t]*x[ \t]*(?=[\d.($])")
_WITH_PERCENT = re.compile(rf"({NUMBER})[ \t]*(%?)")
_FRACTION = re.compile(rf"/[ \t]*({NUMBER}/{NUMBER})(?![\d/])")
_RESULT = re.compile(rf"\$?-?\$?(?P<number>{NUMBER})%?")
_BETWEEN = re.compile(r"[.,][ \t]")
#: Words after which a number is not yet the whole left side.
_GOES_ON = re.compile(
    r"(?:\\[A-Za-z]+|\b(?:of|half|twice|times|by|plus|minus|over|root|log|than|x))$", re.IGNORECASE
)
_BEFORE = frozenset("<>({[\"'“‘:;,.=?!")


class Equation(NamedTuple):
    """Two sides as they are written, and where they stand."""

    left: str
    right: str
    span: tuple[int, int]

    def holds(self) -> bool | None:
        """Whether both are equal; None if they cannot be told.

        A right side that is a number may be rounded: it holds if it is off by less than a unit of its last place. What
        can be read in two ways holds in either: ``1/4 = 25%`` and ``25*2 = 50%``, ``6 / 1/2 = 12`` and ``6 / 1/2 = 3``.
        """
        if max(len(self.left), len(self.right)) > MAX_LENGTH:
            return None
        sides = self.left + self.right
        percents = ("/100", "") if "%" in sides else ("",)
        found = [
            self._holds(percent, bracket)
            for percent in percents
            for bracket in ((False, True) if _FRACTION.search(sides) else (False,))
        ]
        known = [one for one in found if one is not None]
        return any(known) if known else None

    def _holds(self, percent: str, bracket: bool) -> bool | None:
        left, right = (
            value_of(_FRACTION.sub(r"/(\1)", side) if bracket else side, percent)
            for side in (self.left, self.right)
        )
        if left is None or right is None:
            return None
        result = _RESULT.fullmatch(self.right)
        if left == right or result is None:
            return left == right
        places = len(result["number"].partition(".")[2]) + (2 if percent and "%" in self.right else 0)
        return abs(left - right) < Fraction(1, 10**places)

    def __str__(self) -> str:
        return f"{' '.join(self.left.split())} = {' '.join(self.right.split())}"


def equations(text: str) -> Iterator[Equation]:
    """Every equation whose left side is a calculation, or another side of a chain that begins with one."""
    plain = _COMMANDS.sub(lambda found: _NAMES.get(found[0], "").ljust(len(found[0])), text).translate(_SIGNS)
    for run in _RUN.finditer(plain):
        if "=" not in run[0]:
            continue
        at, sides = run.start(), list[tuple[int, str]]()
        for side in run[0].split("="):
            sides.append((at, side))
            at += len(side) + 1
        sides[0] = _first(plain, *sides[0])
        sides[-1] = _last(plain, *sides[-1])
        bare = [(start + len(side) - len(side.lstrip()), side.strip()) for start, side in sides]
        for (start, left), (right_start, right) in pairwise(bare):
            if left and right and (_calculates(left) or (start != bare[0][0] and _calculates(right))):
                yield Equation(left, right, (start, right_start + len(right)))


def value_of(side: str, percent: str = "/100") -> Fraction | None:
    """The exact value of one side, or None; ``percent`` stands in for a percent sign."""
    if len(side) > MAX_LENGTH:
        return None
    exact = _WITH_PERCENT.sub(
        lambda found: f"({_exact(found[1])}{percent if found[2] else ''})",
        _TIMES.sub("*", side.replace("$", "")),
    )
    try:
        return evaluate(exact).value
    except NotArithmetic:
        return None


def _calculates(side: str) -> bool:
    return len(_NUMBER.findall(side)) > 1


def _first(text: str, start: int, side: str) -> tuple[int, str]:
    """The side without what stands before it in its sentence; empty if it begins elsewhere."""
    cut = max((found.end() for found in _BETWEEN.finditer(side)), default=0)
    start, side = start + cut, side[cut:]
    before = text[max(0, start - 24) : start]
    stripped = side.lstrip()
    if not cut and before:
        word = before.rstrip(" \t")
        if stripped == side and (before[-1] == ":" or before[-1] not in _BEFORE | {"\n"}):  # a2+3, 3:30+1
            return start, ""
        if word[-1:].isalpha() and (
            _GOES_ON.search(word) or (stripped[:1] or "-") in "+-*/"
        ):  # half of 8+2, y - 2
            return start, ""
        if not word[-1:].isalpha() and word[-1:] not in _BEFORE | {"\n", ""}:  # √ 9 + 1
            return start, ""
    if re.match(r"[+*/x%)]|-(?!\d)", stripped):
        return start, ""
    if stripped.startswith("(") and stripped.count("(") > stripped.count(")"):
        return start + side.index("(") + 1, side[side.index("(") + 1 :]
    return start, side


def _last(text: str, start: int, side: str) -> tuple[int, str]:
    """The side up to where its sentence goes on; empty if it goes on in a way that is no word."""
    end = start + len(side)
    found = _BETWEEN.search(side)
    if found is not None:
        return start, side[: found.start()]
    after = text[end : end + 1]
    if (after.isalnum() and not side[-1:].isspace()) or (after and after in "^_!:\\{√°/"):
        return start, ""
    side = side.rstrip(" \t.,*")
    if side.endswith(")") and side.count(")") > side.count("("):
        side = side[:-1]
    return start, side


# A number that has places is a fraction to the evaluator.
def _exact(number: str) -> str:
    whole, _, places = number.replace(",", "").partition(".")
    return f"({int(whole + places)}/1{'0' * len(places)})" if places else str(int(whole))
