r"""Plain text and LaTeX as tokens that two ways of writing the same share: numbers by value, operators, symbols, words.

One pass of one regular expression, so the time is linear. ``1,000`` is 1000, ``\frac{1}{2}`` is ``1/2``, ``\times`` and
*times* between numbers are ``*``, *two* is 2; dollar signs, braces and brackets around a single term are nothing.
"""

from __future__ import annotations

import re
from fractions import Fraction

from longthought.synth.rewrite.terms import doubting, signed, unbracketed, with_operators
from longthought.synth.rewrite.token import Gap, Token, TokenKind
from longthought.synth.rewrite.words import number_word

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
#: Breaks, the strongest first, with the white space behind them and the brackets and quotation marks that they close.
_BREAKS: tuple[tuple[Gap, re.Pattern[str]], ...] = (
    ("line", re.compile(r"\n\s*")),
    ("sentence", re.compile(r"[.!?…:][\"'”’`)\]$\\*_]*\s+")),
    ("clause", re.compile(r"[,;:—–][\"'”’`)\]$\\*_]*\s*")),
)


#: What one match of the expression becomes.
_New = list[tuple[TokenKind, Fraction | str]]


def tokens(text: str) -> list[Token]:
    """The tokens of ``text`` in order."""
    found: list[Token] = []
    reader = _Reader(text)
    reached = 0
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        said = match["word"].casefold() if match["word"] else ""
        for kind, key in reader.read(match, said):
            gap, cut = _gap(text, reached, start) if reached <= start else ("", start)
            found.append(Token(kind, key, start, end, gap, cut, said))
            reached = end
    return doubting(signed(with_operators(unbracketed(found)), text))


class _Reader:
    """Reads one match after the other; knows whether it is within a formula, and whose braces are open."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._math = False
        #: The part of a fraction that each open brace is; empty for braces that only group.
        self._braces: list[str] = []
        self._part = ""

    def read(self, match: re.Match[str], said: str) -> _New:
        match match.lastgroup:
            case "number" | "ordinal":
                digits = re.sub(r"[^\d.]", "", match["number"])
                if match["ordinal"]:
                    return [("word", f"{digits}th")]
                return [("number", Fraction(digits)) if len(digits) <= _MOST_DIGITS else ("word", digits)]
            case "under":
                over, under = Fraction(match["over"]), Fraction(match["under"])
                return [("number", over), ("sign", "/"), ("number", under)]
            case "command":
                return self._command(match["command"])
            case "escaped":
                self._math = {"(": True, "[": True, ")": False, "]": False}.get(match["escaped"], self._math)
                return [("sign", "%")] if match["escaped"] == "%" else []
            case "cjk":
                return [("word", match["cjk"])]
            case "word":
                return self._word(said, match)
            case _:
                return self._sign(match["sign"], match)

    def _command(self, name: str) -> _New:
        if name.endswith("frac"):
            self._part = "over"
            return []
        if name in _COMMANDS:
            return [("sign", _COMMANDS[name])]
        return [] if _LOOKS.fullmatch(name) else [("symbol", name.casefold())]

    def _word(self, said: str, match: re.Match[str]) -> _New:
        if said == "percent":
            return [("sign", "%")]
        if said == "half":
            return [("hint", Fraction(1, 2))]
        number = number_word(said)
        if number is not None:
            value, sure = number
            return [("spelled" if sure else "hint", Fraction(value))]
        if len(said) > 1:
            return [("word", said)]
        # A single letter is a symbol, but for the words of English that are one.
        before, after = (
            self._text[match.start() - 1 : match.start()],
            self._text[match.end() : match.end() + 1],
        )
        alone = before in ("", " ", "\n") and after in ("", " ", "\n", ",", ".")
        return [] if said in "ai" and alone and not self._math else [("symbol", said)]

    def _sign(self, sign: str, match: re.Match[str]) -> _New:
        if sign == "$":
            self._math = not self._math
        elif sign == "{":
            part, self._part = self._part, ""
            self._braces.append(part)
            return [("sign", "(")] if part else []
        elif sign == "}":
            part = self._braces.pop() if self._braces else ""
            self._part = "under" if part == "over" else ""
            closed: _New = [("sign", ")")] if part else []
            return [*closed, ("sign", "/")] if part == "over" else closed
        elif sign in _SHORTHAND:
            return [("number", _SHORTHAND[sign])]
        elif sign in "²³":
            return [("sign", "^"), ("number", Fraction(2 if sign == "²" else 3))]
        elif sign == "√":
            return [("symbol", "sqrt")]
        elif sign not in "—!" and not _is_dash(sign, self._text, match.start(), match.end()):
            return [("sign", _SIGNS.get(sign, sign))]
        return []


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
