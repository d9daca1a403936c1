"""What tokens mean beside each other: operators said in words, signs of numbers, brackets round one term, doubts."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from longthought.synth.rewrite.token import ENDS, Token
from longthought.synth.rewrite.words import NEGATED, OPERATORS, SCALES, negates

#: So many words behind a negation are no longer negated.
_FAR = 5


def unbracketed(found: list[Token]) -> list[Token]:
    """Without brackets around a single term."""
    kept: list[Token] = []
    for token in found:
        if (
            token.key in (")", "]")
            and len(kept) > 1
            and kept[-2].key in ("(", "[")
            and kept[-1].kind in ("number", "spelled", "symbol")
        ):
            opening, term = kept[-2], kept.pop()
            kept[-1] = replace(
                term, gap=opening.gap or term.gap, cut=opening.cut if opening.gap else term.cut
            )
        else:
            kept.append(token)
    return kept


def with_operators(found: list[Token]) -> list[Token]:
    """With words that stand for an operator between two terms as operators, and scales multiplied in."""
    kept: list[Token] = []
    skip = False
    for at, token in enumerate(found):
        if skip:
            skip = False
            continue
        before = kept[-1] if kept else None
        if token.said in SCALES:
            if (
                before is not None
                and before.kind in ("number", "spelled")
                and isinstance(before.key, Fraction)
            ):
                kept[-1] = replace(before, key=before.key * SCALES[token.said], end=token.end)
            else:
                kept.append(replace(token, kind="hint", key=Fraction(SCALES[token.said])))
            continue
        if token.said in OPERATORS or token.said == "x":
            joined = at + 1 < len(found) and found[at + 1].said in ("by", "to")
            behind = found[at + 1 + joined] if at + 1 + joined < len(found) else None
            if token.said == "x":
                fits = _is_number(before) and (
                    _is_number(behind) or (behind is not None and behind.key == "(")
                )
            else:
                fits = _ends_term(before) and _begins_term(behind)
            if fits and not token.gap:
                kept.append(replace(token, kind="sign", key=OPERATORS.get(token.said, "*")))
                skip = joined
                continue
        if token.said in ("minus", "negative") and at + 1 < len(found) and found[at + 1].kind == "number":
            kept.append(replace(token, kind="sign", key="-"))
            continue
        kept.append(token)
    return kept


def signed(found: list[Token], text: str) -> list[Token]:
    """With the sign of a negative number in its value."""
    kept: list[Token] = []
    for token in found:
        minus = kept[-1] if kept else None
        if token.kind == "number" and minus is not None and minus.kind == "sign" and minus.key == "-":
            before = kept[-2] if len(kept) > 1 else None
            close = minus.said != "" or " " not in text[minus.end : token.start]
            free = (
                before is None
                or minus.gap
                or before.said in OPERATORS
                or (before.kind == "sign" and before.key not in (")", "]", "%"))
            )
            if (free or (before is not None and before.kind == "word" and close)) and isinstance(
                token.key, Fraction
            ):
                kept[-1] = replace(token, key=-token.key, start=minus.start, gap=minus.gap, cut=minus.cut)
                continue
        kept.append(token)
    return kept


def doubting(found: list[Token]) -> list[Token]:
    """With *not right* as a doubt."""
    kept: list[Token] = []
    since = _FAR
    for token in found:
        since = 0 if negates(token.said) else _FAR if token.gap in ENDS else since + 1
        kept.append(
            replace(token, said="incorrect") if token.said in NEGATED and since <= _FAR - 1 else token
        )
    return kept


def _is_number(token: Token | None) -> bool:
    return token is not None and token.kind in ("number", "spelled")


def _ends_term(token: Token | None) -> bool:
    return token is not None and (token.kind in ("number", "spelled", "symbol") or token.key in (")", "%"))


def _begins_term(token: Token | None) -> bool:
    if token is None or token.gap:
        return False
    return token.kind in ("number", "spelled", "symbol") or token.key in ("(", "-")
