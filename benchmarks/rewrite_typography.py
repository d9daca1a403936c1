"""The same numbers and formulas in another typography, by rule; a part of ``rewrite_paraphrases``."""

from __future__ import annotations

import re
from random import Random

_N = r"\$?\d[\d,]*(?:\.\d+)?%?"
_OPERATION = re.compile(
    rf"(?<![\w.)/+*=-])(?<![+*/=x×-] )(?P<a>{_N}) ?(?P<op>[+\-*/x×]) ?(?P<b>{_N}) ?= ?(?P<c>{_N})"
    r"(?![\w/+*(-])(?!\.\d| ?[=+*/-])"
)
_VERBS = {
    "+": ("plus",), "-": ("minus",), "*": ("times", "multiplied by"), "/": ("divided by", "over"),
}  # fmt: skip
_EQUAL = (" = ", " equals ", " is ", " gives ", " makes ", " comes to ")


def other_signs(line: str, random: Random) -> str:
    """Calculations in plain text with other signs, in words, in LaTeX, or the other way round."""

    def other(found: re.Match[str]) -> str:
        a, op, b, c = found["a"], found["op"].replace("x", "*").replace("×", "*"), found["b"], found["c"]
        plain = not any("$" in part or "%" in part for part in (a, b, c))
        match random.randint(0, 9):
            case 0:
                return f"{a} {op} {b} = {c}"
            case 1:
                return f"{a}{op}{b}={c}"
            case 2:
                sign = {"*": "×", "/": "÷", "-": "−", "+": "+"}[op]
                return f"{a} {sign} {b} = {c}"
            case 3:
                return f"{a} {random.choice(_VERBS[op])} {b}{random.choice(_EQUAL)}{c}"
            case 4 if plain:
                sign = {"*": random.choice(("\\times", "\\cdot")), "/": "/", "-": "-", "+": "+"}[op]
                return f"${a} {sign} {b} = {c}$"
            case 5 if plain and op == "/":
                return f"$\\frac{{{a}}}{{{b}}} = {c}$"
            case 6:
                return f"{c} = {a} {op} {b}"
            case 7 if op in "+*":
                return f"{b} {op} {a} = {c}"
            case 8 if plain:
                return f"\\({a} {op} {b} = {c}\\)"
            case _:
                return f"({a} {op} {b}) = {c}"

    return _OPERATION.sub(lambda found: other(found) if random.random() < 0.6 else found[0], line)


def other_latex(line: str, random: Random) -> str:
    """LaTeX with other commands and delimiters that mean the same."""
    if random.random() < 0.3:
        line = line.replace("\\cdot", "\\times")
    if random.random() < 0.2:
        line = re.sub(r"\$([^$]+)\$", r"\\(\1\\)", line)
    if random.random() < 0.2:
        line = re.sub(r"(?<=[\w}]) ?([+=]) ?(?=[\w\\])", r" \1 ", line)
    if random.random() < 0.15:
        line = re.sub(r"(?<!\d)\\frac\{(\d+)\}\{(\d+)\}", r"\1/\2", line)
    if random.random() < 0.15:
        line = line.replace("\\frac", "\\dfrac")
    return line


_SMALL = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)


def other_numbers(line: str, random: Random) -> str:
    """Numbers with or without separators, in words, as percentages and dollars in words."""
    if random.random() < 0.4:
        line = re.sub(r"(?<![\d.,])(\d{4,6})(?![\d.,]\d|\d)", lambda f: f"{int(f[1]):,}", line)
    elif random.random() < 0.4:
        line = re.sub(r"(?<![\d.,])(\d{1,3}),(\d{3})(?![\d.,]\d|\d)", r"\1\2", line)
    if random.random() < 0.3:
        line = re.sub(r"(\d)%", r"\1 percent", line)
    if random.random() < 0.3:
        line = re.sub(
            r"(?<![\d\\$])\$(\d+)(?!\d)(?![\d.,]\d|[\d ]*[+\-*/=x×])(?=[^$]*$)", r"\1 dollars", line
        )
    if random.random() < 0.3:  # small numbers in running text, not in formulas
        line = re.sub(
            r"(?<=[a-z] )([2-9]|1[0-2])(?= [a-z]{3,})"
            r"(?! times| plus| minus| divided| over| multiplied| equals| is\b| gives| makes| comes)",
            lambda found: _SMALL[int(found[1])],
            line,
        )
    if random.random() < 0.15:
        line = re.sub(r"(?<![\d.,/])(\d+\.\d)0?(?![\d.,]\d|\d)", r"\g<1>0", line)
    if random.random() < 0.1:
        line = re.sub(r"(?<![\d.,/])0\.5(?![\d%])", "1/2", line)
    return line
