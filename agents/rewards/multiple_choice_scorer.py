"""Answers to multiple-choice questions: the one letter that a text settles on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import cast

from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.answer_text import find_answer, gold_answer
from longthought.agents.rewards.contract import Scorer

MAX_ANSWER = 8_000

_WRAPPED = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\{([^{}]*)\}")
_ALONE = re.compile(r"\(?([A-Za-z])[).:]?")
_LETTERED = re.compile(r"\(?([A-Z])[).:]\s*(.+)", re.DOTALL)
#: (B), option B, and, among other letters, B alone; a bare A or I may be a word.
_NAMED = re.compile(
    r"\(([A-Z])\)|\b(?:option|choice|answer)s?:?\s+([A-Z])\b|(?<![\w'’])([B-HJ-Z])(?![\w'’])|\b([AI])(?=\s+(?:and|or)\s+\(?[A-Z]\b)"
)
_LAST_LINE = re.compile(
    r"[\s*_>]*(?:(?:so|thus|hence|therefore)[ ,]{1,3})?(\([A-Z]\))[\s*_.]*", re.IGNORECASE
)


class MultipleChoiceScorer(Scorer):
    """Right when the answer names the gold choice, by its letter or its own text, and no other.

    The gold field is a letter, a choice's text, or, where ``choices`` are in the metadata, an index from 0. These are
    a list of texts, a mapping from letters to texts, or ``{"label": […], "text": […]}``. An answer that names no
    choice, or several, is unscored.
    """

    name = "multiple-choice"

    def extract(self, text: str) -> str | None:
        found = find_answer(text)
        if found is not None:
            return found
        alone = _LAST_LINE.fullmatch(text.rstrip()[-200:].rpartition("\n")[2])
        return alone[1].upper() if alone else None

    async def score(self, answer: str, problem: Problem) -> Reading:
        if problem.gold is None:
            return Reading(reward=self.name, why="the problem has no gold answer")
        if len(answer) > MAX_ANSWER:
            return Reading(reward=self.name, why=f"the answer is too long: over {MAX_ANSWER} characters")
        choices = _choices(problem.metadata.get("choices"))
        gold = _gold(gold_answer(problem.gold), choices)
        if gold is None:
            return Reading(reward=self.name, why="the gold answer names no choice")
        named = _named(answer, choices)
        if len(named) != 1:
            said = f"names several choices: {', '.join(sorted(named))}" if named else "names no choice"
            return Reading(reward=self.name, why=f"the answer {said}")
        return Reading(reward=self.name, value=float(named == {gold}))


def _choices(given: object) -> dict[str, str]:
    """Letter → text; empty if the problem does not carry its choices."""
    if isinstance(given, Mapping):
        found = {str(k): v for k, v in cast("Mapping[object, object]", given).items()}
        labels, texts = found.get("label"), found.get("text")
        if isinstance(labels, Sequence) and isinstance(texts, Sequence):
            pairs = zip(cast("Sequence[object]", labels), cast("Sequence[object]", texts), strict=False)
            return {str(label).upper(): str(text) for label, text in pairs}
        return {label.upper(): str(text) for label, text in found.items()}
    if isinstance(given, Sequence) and not isinstance(given, str):
        return dict(zip(ascii_uppercase, map(str, cast("Sequence[object]", given)), strict=False))
    return {}


def _gold(gold: str, choices: Mapping[str, str]) -> str | None:
    by_text = _by_text(gold, choices)
    if len(by_text) == 1:
        return by_text.pop()
    alone = _ALONE.fullmatch(gold)
    if alone is not None:
        return alone[1].upper() if not choices or alone[1].upper() in choices else None
    if gold.isdecimal() and len(gold) < 3 and int(gold) < len(choices):
        return list(choices)[int(gold)]
    return None


def _named(answer: str, choices: Mapping[str, str]) -> set[str]:
    """The letters of all choices that the answer names."""
    answer = _WRAPPED.sub(r"\1", answer).strip().strip("*_`$").strip()
    if by_text := _by_text(answer, choices):
        return by_text
    if (alone := _ALONE.fullmatch(answer)) is not None:
        named = {alone[1].upper()}
    elif (lettered := _LETTERED.fullmatch(answer)) is not None:
        letter, text = lettered[1], lettered[2]
        named = {letter} | (_by_text(text, choices) or _letters(text))
    else:
        named = _letters(answer)
    return {letter for letter in named if not choices or letter in choices}


def _letters(text: str) -> set[str]:
    return {letter for found in _NAMED.findall(text) for letter in cast("tuple[str, ...]", found) if letter}


def _by_text(text: str, choices: Mapping[str, str]) -> set[str]:
    wanted = _normal(text)
    return {letter for letter, choice in choices.items() if _normal(choice) == wanted} if wanted else set()


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).removesuffix(".")
