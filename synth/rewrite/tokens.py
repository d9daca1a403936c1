r"""Plain text and LaTeX as tokens that two ways of writing the same share: numbers by value, operators, symbols, words.

One pass of one regular expression, so the time is linear. ``1,000`` is 1000, ``\frac{1}{2}`` is ``1/2``, ``\times`` and
*times* between numbers are ``*``, *two* is 2; dollar signs, braces and brackets around a single term are nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from longthought.synth.rewrite.words import NEGATED, OPERATORS, SCALES, meaning, negates, number_word

#: ``number`` in digits, ``spelled`` out, ``hint`` of one (both, half, one); ``sign`` for operators and brackets.
TokenKind = Literal["number", "spelled", "hint", "sign", "symbol", "word"]
Gap = Literal["", "clause", "sentence", "line"]
#: Breaks at which a sentence ends.
ENDS: tuple[Gap, ...] = ("sentence", "line")

#: More digits are read as a word: no value is worth the time that it takes.
_MOST_DIGITS = 60
_TOKEN = re.compile(
    r"""
    (?P<number>\d{1,3}(?:(?:,|\{,\}|\\,|\\!,)\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\w.)])\.\d+)(?P<ordinal>(?:st|nd|rd|th)\b)?
    |\\[dt]?frac\s*(?P<over>\d)\s*(?P<under>\d)
    |\\(?P<command>[A-Za-z]+)
    |\\(?P<escaped>.)
    |(?P<cjk>[぀-ヿ一-鿿가-힯])
    |(?P<word>[^\W\d_²³½¼¾぀-ヿ一-鿿가-힯]+(?:['’][^\W\d_²³½¼¾]+)*)
    |(?P<sign>\*\*|[-+*/^=<>×·÷−–—%!()\[\]{}$≤≥≠√²³½¼¾])
    """,
    re.VERBOSE,
)
_COMMANDS = {
    "times": "*",
    "cdot": "*",
    "div": "/",
    "le": "≤",
    "leq": "≤",
    "ge": "≥",
    "geq": "≥",
    "ne": "≠",
    "neq": "≠",
}
_SIGNS = {"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "**": "^"}
_SHORTHAND = {"½": Fraction(1, 2), "¼": Fraction(1, 4), "¾": Fraction(3, 4)}
#: Commands that only say how something looks.
_LOOKS = re.compile(
    r"left|right|text(?:bf|it)?|math(?:rm|bf|bb|cal)|displaystyle|q?quad|boxed|begin|end|[bB]ig+[lr]?|operatorname"
    r"|underline|overline|color|limits|[lc]?dots"
)
#: So many words behind a negation are no longer negated.
_FAR = 5
#: Breaks, the strongest first, with the white space behind them and the brackets and quotation marks that they close.
_BREAKS: tuple[tuple[Gap, re.Pattern[str]], ...] = (
    ("line", re.compile(r"\n\s*")),
    ("sentence", re.compile(r"[.!?…:][\"'”’`)\]$\\*_]*\s+")),
    ("clause", re.compile(r"[,;:—–][\"'”’`)\]$\\*_]*\s*")),
)


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


def tokens(text: str) -> list[Token]:
    """The tokens of ``text`` in order."""
    found: list[Token] = []
    roles: list[str] = []
    math, pending, reached = False, "", 0
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        new: list[tuple[TokenKind, Fraction | str]] = []
        said = ""
        match match.lastgroup:
            case "number" | "ordinal":
                digits = re.sub(r"[^\d.]", "", match["number"])
                if match["ordinal"]:
                    new = [("word", f"{digits}th")]
                else:
                    new = [("number", Fraction(digits)) if len(digits) <= _MOST_DIGITS else ("word", digits)]
            case "under":
                new = [
                    ("number", Fraction(match["over"])),
                    ("sign", "/"),
                    ("number", Fraction(match["under"])),
                ]
            case "command":
                name = match["command"]
                if name.endswith("frac"):
                    pending = "over"
                elif name in _COMMANDS:
                    new = [("sign", _COMMANDS[name])]
                elif _LOOKS.fullmatch(name) is None:
                    new = [("symbol", name.casefold())]
            case "escaped":
                math = {"(": True, "[": True, ")": False, "]": False}.get(match["escaped"], math)
                if match["escaped"] == "%":
                    new = [("sign", "%")]
            case "cjk":
                new = [("word", match["cjk"])]
            case "word":
                said = match["word"].casefold()
                new = _word(said, math, text, start, end)
            case _:
                sign = match["sign"]
                if sign == "$":
                    math = not math
                elif sign == "{":
                    roles.append(pending)
                    new = [("sign", "(")] if pending else []
                    pending = ""
                elif sign == "}":
                    role = roles.pop() if roles else ""
                    pending = "under" if role == "over" else ""
                    new = [("sign", ")")] if role else []
                    new += [("sign", "/")] if role == "over" else []
                elif sign in _SHORTHAND:
                    new = [("number", _SHORTHAND[sign])]
                elif sign in "²³":
                    new = [("sign", "^"), ("number", Fraction(2 if sign == "²" else 3))]
                elif sign == "√":
                    new = [("symbol", "sqrt")]
                elif sign not in "—!" and not _is_dash(sign, text, start, end):
                    new = [("sign", _SIGNS.get(sign, sign))]
        for kind, key in new:
            gap, cut = _gap(text, reached, start) if reached <= start else ("", start)
            found.append(Token(kind, key, start, end, gap, cut, said))
            reached = end
    return _doubting(_signed(_with_operators(_unbracketed(found)), text))


def _word(said: str, math: bool, text: str, start: int, end: int) -> list[tuple[TokenKind, Fraction | str]]:
    if said == "percent":
        return [("sign", "%")]
    if said == "half":
        return [("hint", Fraction(1, 2))]
    number = number_word(said)
    if number is not None:
        value, sure = number
        return [("spelled" if sure else "hint", Fraction(value))]
    if len(said) == 1:
        # A single letter in a formula, or one that no word of English is, is a symbol.
        alone = text[start - 1 : start] in ("", " ", "\n") and text[end : end + 1] in (
            "",
            " ",
            "\n",
            ",",
            ".",
        )
        return [] if said in "ai" and alone and not math else [("symbol", said)]
    return [("word", said)]


def _is_dash(sign: str, text: str, start: int, end: int) -> bool:
    """A hyphen or a dash in running text is no minus."""
    if sign not in "-–":
        return False
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalnum() and after.isalpha():
        return len(re.split(r"\W", text[end : end + 12])[0]) > 1  # 75-foot, but x-y
    return sign == "–" and not (before.isdigit() and after.isdigit())


def _gap(text: str, since: int, start: int) -> tuple[Gap, int]:
    """The strongest break between two tokens, and where the text behind it begins."""
    between = text[since:start]
    for kind, pattern in _BREAKS:
        found = list(pattern.finditer(between))
        if found:
            return kind, since + found[-1].end()
    space = max(between.rfind(" "), between.rfind("\t"))
    return "", since + space + 1 if space >= 0 else start


def _unbracketed(found: list[Token]) -> list[Token]:
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


def _with_operators(found: list[Token]) -> list[Token]:
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


def _signed(found: list[Token], text: str) -> list[Token]:
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


def _doubting(found: list[Token]) -> list[Token]:
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


def says(token: Token) -> Fraction | str | None:
    """What the token says to the check beside its place in an equation; None for signs and empty words."""
    if token.kind == "sign":
        return None
    return meaning(token.said) if token.kind == "word" and token.said else token.key
