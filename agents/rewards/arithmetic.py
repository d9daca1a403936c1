"""An exact evaluator for arithmetic in a model's answer: whole numbers, + - * / and brackets, on fractions.

A tokenizer and a recursive descent, bounded in length and depth. Powers, names, calls and decimals are not in
the grammar, so nothing in a text can run or grow beyond what its 200 characters allow.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

MAX_LENGTH = 200
MAX_DEPTH = 40

_TOKEN = re.compile(r"(?:0|[1-9][0-9]*)(?![0-9])|[+\-*/()]")


class NotArithmetic(ValueError):
    """The text is no arithmetic expression, or divides by zero; the message says where."""


class Evaluated(NamedTuple):
    """The exact value of an expression and the numbers written in it, from left to right."""

    value: Fraction
    numbers: tuple[int, ...]


def evaluate(text: str) -> Evaluated:
    """The value of ``text``.

    Raises:
        NotArithmetic: the text is too long, nested too deeply, not in the grammar, or divides by zero.
    """
    if len(text) > MAX_LENGTH:
        raise NotArithmetic(f"longer than {MAX_LENGTH} characters")
    reader = _Reader(_tokens(text))
    value = reader.sum(0)
    if reader.next is not None:
        raise NotArithmetic(f"unexpected {reader.next!r}")
    return Evaluated(value, tuple(reader.numbers))


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotArithmetic(f"unexpected {text[at]!r}")
        tokens.append(match[0])
        at = match.end()
    return tokens


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self.numbers: list[int] = []

    @property
    def next(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self) -> str:
        token = self.next
        if token is None:
            raise NotArithmetic("the expression breaks off")
        self._at += 1
        return token

    def sum(self, depth: int) -> Fraction:
        value = self._product(depth)
        while self.next in ("+", "-"):
            value = value + self._product(depth) if self._take() == "+" else value - self._product(depth)
        return value

    def _product(self, depth: int) -> Fraction:
        value = self._factor(depth)
        while self.next in ("*", "/"):
            if self._take() == "*":
                value *= self._factor(depth)
            elif divisor := self._factor(depth):
                value /= divisor
            else:
                raise NotArithmetic("division by zero")
        return value

    def _factor(self, depth: int) -> Fraction:
        if depth > MAX_DEPTH:
            raise NotArithmetic(f"nested deeper than {MAX_DEPTH}")
        token = self._take()
        if token == "-":
            return -self._factor(depth + 1)
        if token == "(":
            value = self.sum(depth + 1)
            if self._take() != ")":
                raise NotArithmetic("a bracket is not closed")
            return value
        if not token.isdigit():
            raise NotArithmetic(f"unexpected {token!r}")
        self.numbers.append(int(token))
        return Fraction(self.numbers[-1])
