"""What a word says for the check: nothing, a number, an operator, or its stem. The lists are in ``words.yaml``."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

_LISTS: dict[str, Any] = yaml.safe_load(
    (resources.files("longthought.synth.rewrite") / "words.yaml").read_text("utf-8")
)


def _words(name: str) -> list[str]:
    return str(_LISTS[name]).split()


_EMPTY, _DOUBT, _RETURNS = (frozenset(_words(name)) for name in ("empty", "doubt", "returns"))
_NEGATIONS = frozenset(_words("negations"))
_NUMBERS = {word: value for value, word in enumerate(_words("numbers"))} | {
    word: 10 * value for value, word in enumerate(_words("tens"), start=3)
}
_HINTS: dict[str, int] = _LISTS["hints"]
_ORDINALS = {word: f"{place}th" for place, word in enumerate(_words("ordinals"), start=1)}
#: Words of one meaning, each by the first of its line.
_SAME = {word: str(line).split()[0] for line in _LISTS["same"] for word in str(line).split()}
_SUFFIXES = ("ations", "ation", "ings", "ing", "ied", "ies", "ed", "es", "ly", "s", "e", "y")

#: What becomes a doubt behind a negation.
NEGATED = frozenset(_words("negated"))
#: What a number before it is multiplied by.
SCALES: dict[str, int] = _LISTS["scales"]
#: What stands for an operator between two terms.
OPERATORS: dict[str, str] = {**_LISTS["operators"], **dict.fromkeys(_words("equals"), "=")}


def number_word(word: str) -> tuple[int, bool] | None:
    """The number that the word says, and whether it surely is one."""
    if word in _HINTS:
        return _HINTS[word], False
    return (_NUMBERS[word], True) if word in _NUMBERS else None


def negates(word: str) -> bool:
    """Whether the word turns what follows into its opposite."""
    return word in _NEGATIONS or word.endswith(("n't", "n’t"))


def is_return(word: str) -> bool:
    """Whether the word may turn back from a branch."""
    return word in _RETURNS


@lru_cache(maxsize=1 << 16)
def meaning(word: str) -> str | None:
    """What two words of one meaning share, or None for a word that says nothing by itself. ``word`` is casefolded."""
    word = word.removesuffix("'s").removesuffix("’s")
    if word in _ORDINALS:
        return _ORDINALS[word]
    if word in _DOUBT:
        return "doubt"
    if word in _EMPTY or "'" in word or "’" in word:
        return None
    word = _SAME.get(word, word)
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word.removesuffix(suffix)
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word
