r"""Finds the final answer that a text states. Pure string work in linear time; nothing is evaluated.

Known markers: ``\boxed{x}``, ``#### x``, a line ``answer: x`` or ``final answer: x``, ``the answer is x`` and
``<answer>x</answer>``. The last one in the text wins.
"""

from __future__ import annotations

import re

#: Only the end of a longer text is looked at; that is where answers stand.
MAX_TEXT = 100_000
MAX_FOUND = 8_000
#: Unbalanced boxes are skipped; a text full of them is given up on.
_MAX_BOXES = 16

_HASHES = re.compile(r"####[ \t]*(?P<answer>[^\n]+)")
_LINE = re.compile(
    r"^[ \t>*_#-]{0,12}(?:final[ \t]{1,3})?answer[*_]{0,3}[ \t]{0,3}:[*_]{0,3}(?P<answer>[^\n]+)", re.I | re.M
)
_SENTENCE = re.compile(r"\bthe (?:final )?answer is:?(?P<answer>[^\n]+)", re.I)
_TAG = re.compile(r"<answer>(?P<answer>[^<]+)</answer>", re.I)
_BOX = "\\boxed{"


def find_answer(text: str) -> str | None:
    """The answer behind the last marker of ``text``, bare of markdown and dollar signs, or None."""
    text = text[-MAX_TEXT:]
    found = [_last_box(text)]
    for pattern in (_HASHES, _LINE, _SENTENCE, _TAG):
        last = None
        for match in pattern.finditer(text):
            said = match["answer"]
            if pattern is _SENTENCE:
                said = re.split(r"[.!?;](?:\s|$)", said, maxsplit=1)[0]
            if (bare := _bare(said)) and len(bare) <= MAX_FOUND:
                last = (match.start("answer"), bare)
        found.append(last)
    stated = [place for place in found if place is not None]
    return max(stated)[1] if stated else None


def gold_answer(gold: str) -> str:
    """The bare answer in a dataset's gold field, which may be a whole solution that ends in a marker."""
    return find_answer(gold) or gold.strip()


def _last_box(text: str) -> tuple[int, str] | None:
    end = len(text)
    for _ in range(_MAX_BOXES):
        end = text.rfind(_BOX, 0, end)
        if end < 0:
            return None
        start = end + len(_BOX)
        inside = _balanced(text, start)
        if inside is not None and inside.strip():
            return start, _bare(inside)
    return None


def _balanced(text: str, start: int) -> str | None:
    depth, at, limit = 1, start, min(len(text), start + MAX_FOUND)
    while at < limit:
        if text[at] == "\\":
            at += 1  # the escaped character is no bracket
        elif text[at] == "{":
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return text[start:at]
        at += 1
    return None


def _bare(said: str) -> str:
    said = said.strip().strip("*_`").strip()
    if said.endswith(".") and not said.endswith(".."):
        said = said[:-1].rstrip()
    if len(said) > 2 and said[0] == said[-1] == "$" and "$" not in said[1:-1]:
        said = said[1:-1].strip()
    return said
