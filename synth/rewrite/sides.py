"""Equations and expressions among tokens, by value: ``12 - 5 = 7`` is ``7 = 12 - 5`` and not ``7 - 5 = 12``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from longthought.agents.rewards.equations import value_of
from longthought.synth.rewrite.token import Token

#: What a side is told by: its terms sorted, and its value where it is arithmetic, else its order.
Side = tuple[tuple[str, ...], Fraction | tuple[str, ...] | None]


@dataclass(frozen=True, slots=True)
class Equality:
    """Two neighbouring sides of an equation, in either order, with the tokens that they are made of."""

    sides: frozenset[Side]
    terms: tuple[str, ...]
    text: str
    span: tuple[int, int]
    #: By arithmetic; None where it cannot be told.
    holds: bool | None


def runs(found: Sequence[Token]) -> Iterator[list[Token]]:
    """Stretches of terms and operators with no word and no break in them."""
    run: list[Token] = []
    for token in found:
        in_formula = token.kind in ("number", "sign", "symbol") or (token.kind == "spelled")
        # Two numbers side by side are no product, and what stands in square brackets behind a term is a list.
        apart = bool(run) and _is_term(run[-1]) and (token.kind in ("number", "spelled") or token.key == "[")
        if run and (token.gap or apart or not in_formula):
            yield run
            run = []
        if in_formula:
            run.append(token)
    if run:
        yield run


def side_of(part: Sequence[Token]) -> Side | None:
    """The side that the tokens make; None if there is no term in them."""
    part = _bare(part)
    terms = tuple(sorted(str(token.key) for token in part if token.kind != "sign"))
    if not terms:
        return None
    if all(token.kind != "symbol" for token in part):
        value = value_of(_text(part))
        if value is not None:
            return terms, value
    order = tuple(str(token.key) for token in part if token.key not in ("*", "(", ")", "[", "]"))
    # A sum may be turned round.
    return (terms, None) if all(sign in ("+", "*") for sign in _signs(part)) else (terms, order)


def equalities(found: Sequence[Token]) -> Iterator[Equality]:
    """Every two sides with an equals sign between them, of which one has an operator in it."""
    for run in runs(found):
        parts: list[list[Token]] = [[]]
        for token in run:
            if token.kind == "sign" and token.key == "=":
                parts.append([])
            else:
                parts[-1].append(token)
        for left, right in pairwise(parts):
            one, other = side_of(left), side_of(right)
            if one is None or other is None or not (_signs(left) or _signs(right)):
                continue
            known = [side[1] for side in (one, other)]
            holds = known[0] == known[1] if all(isinstance(value, Fraction) for value in known) else None
            terms = tuple(sorted((*one[0], *other[0])))
            text = f"{_text(left)} = {_text(right)}"
            yield Equality(frozenset((one, other)), terms, text, (left[0].start, right[-1].end), holds)


def _is_term(token: Token) -> bool:
    return token.kind in ("number", "spelled") or token.key in (")", "]")


def _bare(part: Sequence[Token]) -> Sequence[Token]:
    """Without brackets that have no other, which belong to the sentence, nor one pair around the whole."""
    part = _paired(part)
    if len(part) < 2 or part[0].key not in ("(", "[") or part[-1].key not in (")", "]"):
        return part
    depth = 0
    for token in part[:-1]:
        depth += token.kind == "sign" and token.key in ("(", "[")
        depth -= token.kind == "sign" and token.key in (")", "]")
        if depth == 0:
            return part
    return part[1:-1]


def _paired(part: Sequence[Token]) -> Sequence[Token]:
    opened: list[int] = []
    single: set[int] = set()
    for at, token in enumerate(part):
        if token.key in ("(", "["):
            opened.append(at)
        elif token.key in (")", "]"):
            if opened:
                opened.pop()
            else:
                single.add(at)
    single.update(opened)
    return [token for at, token in enumerate(part) if at not in single] if single else part


def _signs(part: Sequence[Token]) -> list[str]:
    return [
        str(token.key)
        for token in part
        if token.kind == "sign" and token.key not in ("(", ")", "[", "]", "%")
    ]


def _text(part: Sequence[Token]) -> str:
    """The side in plain text; fractions, which only decimals become here, in brackets."""
    return (
        " ".join(
            f"({token.key})"
            if isinstance(token.key, Fraction) and token.key.denominator > 1
            else str(token.key)
            for token in part
        )
        .replace("[", "(")
        .replace("]", ")")
    )
