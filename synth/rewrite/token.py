"""A token of the check: what it says, where it stands, and the break in front of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from longthought.synth.rewrite.words import meaning

#: ``number`` in digits, ``spelled`` out, ``hint`` of one (both, half, one); ``sign`` for operators and brackets.
TokenKind = Literal["number", "spelled", "hint", "sign", "symbol", "word"]
Gap = Literal["", "clause", "sentence", "line"]
#: Breaks at which a sentence ends.
ENDS: tuple[Gap, ...] = ("sentence", "line")


@dataclass(frozen=True, slots=True)
class Token:
    """One token: ``key`` is equal for what means the same; ``said`` is the word as it stands, in lower case.

    Attributes:
        gap: the break in front of it.
        cut: where a text that begins with it begins.
    """

    kind: TokenKind
    key: Fraction | str
    start: int
    end: int
    gap: Gap = ""
    cut: int = 0
    said: str = ""


def says(token: Token) -> Fraction | str | None:
    """What the token says to the check beside its place in an equation; None for signs and empty words."""
    if token.kind == "sign":
        return None
    return meaning(token.said) if token.kind == "word" and token.said else token.key
