"""Turns of mind in a thought that our own journeys taught: their phrases are known, so these are hardly guesses.

A line that one of the shipped phrases fills from end to end, reason and step in their places, turns as that phrase
does; any other is looked up in the bank of turns. A journey told by ``verbalise`` gives its decisions back, but for
phrases of a bank of one's own.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache

from longthought.synth.imports.turns_of_mind import Turning, TurnsOfMind, load_turns
from longthought.synth.telling.phrases import load_phrases


class JourneyTurns(TurnsOfMind):
    """The bank of turns, with the phrases of journeys before it."""

    def opening(self, text: str) -> Turning | None:
        line = text.strip().partition("\n")[0].strip()
        told: Turning | None = next(
            (turning for turning, phrase in self._phrases if phrase.fullmatch(line)), None
        )
        return super().opening(text) if told is None else told

    @cached_property
    def _phrases(self) -> tuple[tuple[Turning, re.Pattern[str]], ...]:
        bank = load_phrases()
        # A reflection's "Wait, {why}." would take any of the others for itself.
        lists: tuple[tuple[Turning, tuple[str, ...]], ...] = (
            ("to problem", bank.backtrack_to_problem),
            ("backtrack", (*bank.backtrack_one_step, *bank.backtrack_to_step)),
            ("reflect", (*bank.wrong_answer, *bank.reflect)),
        )
        return tuple((turning, _pattern(phrase)) for turning, phrases in lists for phrase in phrases)


@lru_cache(maxsize=1)
def journey_turns() -> JourneyTurns:
    """With the shipped banks."""
    return JourneyTurns.model_validate(load_turns().model_dump())


def _pattern(phrase: str) -> re.Pattern[str]:
    """What ``phrases.with_reason`` and ``name_of`` make of a phrase."""
    if "{why}" not in phrase:
        return re.compile(re.escape(phrase))
    head, _, tail = phrase.partition("{why}")
    before = re.escape(head[:-2]) + "[,.] " if head.endswith(", ") else re.escape(head)
    mark = tail[:1] if tail[:1] in (";", ",", ".") else ""
    rest = re.escape(tail[len(mark) :].lstrip()).replace(re.escape("{step}"), '".+"')
    # The reason's own mark may stand for the phrase's, and a sentence begin behind it.
    between = r"[;,.!?…]\s*" if mark else r"\s*"
    return re.compile(f"{before}.+?{between}(?i:{rest})" if rest else f"{before}.+")
