"""Cuts a long thought into steps so that joining them with a line break gives the thought back, byte for byte.

A step ends where a blank line does, and before a line that opens with a turn of mind. Departures from plain paragraphs:
a formula that stands alone belongs to the words before it, and code between fences is not cut. As in CommonMark, a line
with more backticks behind its first ones is no fence.
"""

from __future__ import annotations

from collections.abc import Callable

_FORMULAS = ("\\[", "$$", "\\begin{")
_FENCE = "```"


def segments(text: str, turns: Callable[[str], bool]) -> list[str]:
    """The steps, each with the blank lines behind it; ``"\\n".join(segments(text, …)) == text``.

    Args:
        turns: whether a line opens with a turn of mind.
    """
    steps: list[str] = []
    lines: list[str] = []
    filled = blank = fenced = False
    for line in text.split("\n"):
        bare = line.strip()
        ends = filled and not fenced and bool(bare)
        if ends and ((blank and not bare.startswith(_FORMULAS)) or turns(line)):
            steps.append("\n".join(lines))
            lines, filled = [], False
        lines.append(line)
        filled = filled or bool(bare)
        blank = not bare
        if bare.startswith(_FENCE) and "`" not in bare.lstrip("`"):
            fenced = not fenced
    return [*steps, "\n".join(lines)]
