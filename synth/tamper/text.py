"""Faults in steps of plain text with equations in them, ``48/2 = 24 clips``; each is checked to be wrong by arithmetic.

What cannot be checked without understanding the problem is not planted: a dropped condition is none of these kinds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from random import Random
from typing import NamedTuple

from longthought.agents.rewards import equations
from longthought.synth.tamper.fault import Fault, Kind

_NUMBER = r"\d{1,9}(?:\.\d{1,6})?"
_BINARY = re.compile(rf"(?P<left>{_NUMBER})\s?(?P<op>[+\-*/x×])\s?(?P<right>{_NUMBER})")
_RESULT = re.compile(rf"\$?(?P<result>{_NUMBER})")
_NUMBERS = re.compile(_NUMBER)
#: Units, each with another that would be wrong in its place.
_UNITS = {
    "dollars": "cents",
    "cents": "dollars",
    "hours": "minutes",
    "minutes": "hours",
    "seconds": "minutes",
    "days": "weeks",
    "weeks": "days",
    "months": "weeks",
    "years": "months",
    "miles": "feet",
    "feet": "inches",
    "inches": "feet",
    "meters": "kilometers",
    "kilometers": "meters",
    "pounds": "ounces",
    "ounces": "pounds",
    "grams": "kilograms",
    "kilograms": "grams",
    "liters": "milliliters",
}
_UNIT = re.compile(rf"\b(?:{'|'.join(_UNITS)})\b")
_OPERATORS = {"x": "*", "×": "*"}


class _Equation(NamedTuple):
    left: str
    op: str
    right: str
    result: str
    span: tuple[int, int]

    def holds(self) -> bool:
        return bool(
            equations.Equation(f"{self.left}{_plain(self.op)}{self.right}", self.result, self.span).holds()
        )

    def __str__(self) -> str:
        return f"{self.left}{self.op}{self.right}={self.result}"


class TextTamperer:
    """For one question."""

    kinds: tuple[Kind, ...] = (
        "number",
        "operator",
        "sign",
        "copied_wrong",
        "swapped",
        "repeated",
        "wrong_unit",
        "jump",
    )

    def __init__(self, question: str) -> None:
        self._question = question

    def plant(self, kind: Kind, steps: Sequence[str], at: int, random: Random) -> Fault | None:
        match kind:
            case "swapped" | "jump":
                return self._out_of_order(kind, steps, at)
            case "repeated":
                if not steps[at].strip():
                    return None
                told = (*steps[: at + 1], *steps[at:])
                return Fault(kind, told, at + 1, "the same step stands there twice")
            case "wrong_unit":
                units = list(_UNIT.finditer(steps[at]))
                if not units:
                    return None
                unit = random.choice(units)
                other = _UNITS[unit[0]]
                text = steps[at][: unit.start()] + other + steps[at][unit.end() :]
                return _fault(kind, steps, at, text, f"{other} instead of {unit[0]}")
            case _:
                return self._in_an_equation(kind, steps, at, random)

    def _in_an_equation(self, kind: Kind, steps: Sequence[str], at: int, random: Random) -> Fault | None:
        equations = [one for one in _equations(steps[at]) if one.holds()]
        if not equations:
            return None
        old = random.choice(equations)
        match kind:
            case "number":
                result = _off(old.result, random)
                new = old._replace(result=result) if result is not None else None
            case "operator":
                new = old._replace(op=random.choice([op for op in "+-*/" if op != _plain(old.op)]))
            case "sign":
                new = old._replace(result=f"-{old.result}") if Fraction(old.result) else None
            case "copied_wrong":
                new = self._copied_wrong(old, steps[:at], random)
            case _:
                return None
        if new is None or (kind != "copied_wrong" and new.holds()):
            return None
        text = steps[at][: old.span[0]] + f"{new.left} {new.op} {new.right} = {new.result}"
        why = f"it should be {old}, not {new}"
        return _fault(kind, steps, at, text + steps[at][old.span[1] :], why)

    def _copied_wrong(self, old: _Equation, before: Sequence[str], random: Random) -> _Equation | None:
        there = self._numbers(before)
        left = _off(old.left, random)
        if old.left not in there or left is None or left in there:
            return None
        value = _value(left, old.op, old.right)
        if value is None or value < 0 or value.denominator != 1:
            return None
        return old._replace(left=left, result=str(value))

    def _out_of_order(self, kind: Kind, steps: Sequence[str], at: int) -> Fault | None:
        """The step after this one uses a number that this one finds, and stands before it, or without it."""
        if at + 1 >= len(steps):
            return None
        found = {one.result for one in _equations(steps[at])} - self._numbers(steps[:at])
        used = {n for one in _equations(steps[at + 1]) for n in (one.left, one.right)}
        if not found & used:
            return None
        later = (steps[at], *steps[at + 2 :]) if kind == "swapped" else steps[at + 2 :]
        missing = ", ".join(sorted(found & used))
        return Fault(
            kind, (*steps[:at], steps[at + 1], *later), at, f"{missing} comes from a step that is not there"
        )

    def _numbers(self, steps: Sequence[str]) -> set[str]:
        return set(_NUMBERS.findall(" ".join((self._question, *steps))))


def _equations(text: str) -> Iterator[_Equation]:
    """Those of one operation."""
    for one in equations.equations(text):
        left, result = _BINARY.fullmatch(one.left), _RESULT.fullmatch(one.right)
        if left is not None and result is not None:
            yield _Equation(left["left"], left["op"], left["right"], result["result"], one.span)


def _fault(kind: Kind, steps: Sequence[str], at: int, text: str, why: str) -> Fault:
    return Fault(kind, (*steps[:at], text, *steps[at + 1 :]), at, why)


def _plain(op: str) -> str:
    return _OPERATORS.get(op, op)


def _value(left: str, op: str, right: str) -> Fraction | None:
    return equations.value_of(f"{left}{_plain(op)}{right}")


def _off(number: str, random: Random) -> str | None:
    if "." in number:
        whole, _, places = number.partition(".")
        return f"{int(whole) + random.choice((1, 2))}.{places}"
    value = int(number) + random.choice((-10, -2, -1, 1, 2, 10))
    return str(value) if value > 0 else None
