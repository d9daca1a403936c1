"""Language-mix filter: thoughts that fall into a script that the question is not written in.

STILL-2 drops thoughts of mixed language. A language is told by its script here, which needs no model and no guess:
letters of scripts that the question has none of, as a share of all letters.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache
from typing import ClassVar

from pydantic import Field

from longthought.synth.clean.passes import Origin, Pass, answered
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import Row

#: Letters that formulas of any language use.
_FORMULAS = frozenset(
    {"GREEK", "MATHEMATICAL", "DOUBLE-STRUCK", "SCRIPT", "BLACK-LETTER", "MICRO", "ANGSTROM"}
)
#: Scripts that are written together.
_TOGETHER = {
    "HIRAGANA": "CJK",
    "KATAKANA": "CJK",
    "KATAKANA-HIRAGANA": "CJK",
    "HALFWIDTH": "CJK",
    "FULLWIDTH": "LATIN",
}


class Languages(Pass):
    """Latin letters are welcome in every thought, for formulas are written in them."""

    name: ClassVar[str] = "languages"

    max_share: float = Field(default=0.02, ge=0, le=1)

    def __call__(self, row: Row, origin: Origin) -> Row | Dropped:
        own = {"LATIN", *scripts(origin.problem.question)}
        found: Counter[str] = sum((scripts(text) for text in answered(row)), Counter[str]())
        foreign = sum(number for script, number in found.items() if script not in own)
        if foreign > self.max_share * found.total():
            return Dropped(f"languages: more than {self.max_share:g} of its letters are in another script")
        return row


def scripts(text: str) -> Counter[str]:
    """How many letters of each script there are."""
    found = Counter[str]()
    for character, number in Counter(text).items():
        script = _script(character)
        if script is not None:
            found[script] += number
    return found


@lru_cache(maxsize=10_000)
def _script(character: str) -> str | None:
    """The script of a letter by the first word of its Unicode name; None for what is no letter of a language."""
    if not character.isalpha():
        return None
    script = unicodedata.name(character, "UNNAMED").partition(" ")[0]
    return None if script in _FORMULAS else _TOGETHER.get(script, script)
