"""Brings a rewrite's numbers to the draft's way of writing them: 1/2, 0.5 and 50% are one value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from longthought.synth.rewrite.token import Token, TokenKind


class _Compound(NamedTuple):
    """A fraction or a percentage: so many tokens, and their value as one number."""

    length: int
    parts: tuple[Fraction | str, ...]
    value: Fraction


def like_the_draft(draft: Sequence[Token], rewrite: Sequence[Token]) -> list[Token]:
    """The rewrite's tokens, each value in the form that the draft has it in, where it has only one."""
    plain = {token.key for token in draft if token.kind in ("number", "hint")}
    written = {compound.value: compound.parts for _, compound in _compounds(draft)}
    spoken = {compound.parts for _, compound in _compounds(draft)}
    folded = dict(_compounds(rewrite))
    out: list[Token] = []
    at = 0
    while at < len(rewrite):
        token, compound = rewrite[at], folded.get(at)
        if compound is not None and compound.value in plain and compound.parts not in spoken:
            out.append(replace(token, key=compound.value, end=rewrite[at + compound.length - 1].end))
            at += compound.length
            continue
        unfold = written.get(token.key) if isinstance(token.key, Fraction) else None
        if unfold is not None and token.key not in plain and compound is None:
            for place, key in enumerate(unfold):
                kind: TokenKind = "number" if isinstance(key, Fraction) else "sign"
                out.append(replace(token, kind=kind, key=key, gap=token.gap if place == 0 else "", said=""))
        else:
            out.append(token)
        at += 1
    return out


def _compounds(found: Sequence[Token]) -> Iterator[tuple[int, _Compound]]:
    for at, token in enumerate(found):
        if token.kind != "number" or not isinstance(token.key, Fraction):
            continue
        behind = found[at + 1 : at + 3]
        if not behind or behind[0].kind != "sign" or behind[0].gap:
            continue
        if behind[0].key == "%":
            yield at, _Compound(2, (token.key, "%"), token.key / 100)
        elif behind[0].key == "/" and len(behind) == 2 and behind[1].kind == "number" and not behind[1].gap:
            under = behind[1].key
            if isinstance(under, Fraction) and under:
                yield at, _Compound(3, (token.key, "/", under), token.key / under)
