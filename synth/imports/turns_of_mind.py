"""The bank of words with which a long thought turns: read from YAML, checked, and looked for where a line begins.

What a thought says it does is all there is to go by, so every decision found here is a guess: "Wait" may open a check
that finds nothing wrong, a thought may turn without a word, and what it goes back to it does not say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from longthought.synth.file_version import Version, version_of
from longthought.synth.word_banks import read_bank

Opening = Annotated[str, Field(min_length=1, max_length=100)]
Turning = Literal["to problem", "backtrack", "reflect", "conclude"]

#: Fillers that are passed over, and characters of a line that are looked at.
_MOST_FILLERS = 3
_LONGEST = 200


class TurnsOfMind(BaseModel):
    """One list of openings per thing that a thought can do next; see ``turns_of_mind.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fillers: tuple[Opening, ...] = ()
    to_problem: tuple[Opening, ...]
    backtrack: tuple[Opening, ...]
    reflect: tuple[Opening, ...]
    conclude: tuple[Opening, ...]

    def opening(self, text: str) -> Turning | None:
        """What the text says first that it does; None for a step like any other."""
        beginning = text.lstrip()[:_LONGEST].lstrip("*_>#- \t").replace("’", "'")
        return next((turning for turning, pattern in self._patterns if pattern.match(beginning)), None)

    @cached_property
    def _patterns(self) -> tuple[tuple[Turning, re.Pattern[str]], ...]:
        fillers = f"(?:{_any(self.fillers)}[\\s,.…:!?—-]+){{0,{_MOST_FILLERS}}}" if self.fillers else ""
        lists: tuple[tuple[Turning, Sequence[str]], ...] = (
            ("to problem", self.to_problem),
            ("backtrack", self.backtrack),
            ("reflect", self.reflect),
            ("conclude", self.conclude),
        )
        return tuple(
            (turning, re.compile(fillers + _any(openings), re.IGNORECASE))
            for turning, openings in lists
            if openings
        )


def _any(openings: Sequence[str]) -> str:
    # A word must end where it ends; scripts without spaces have no such place.
    return f"(?:{'|'.join(re.escape(o.strip('*')) + (r'(?![A-Za-z])' if o[-1].isascii() else '') for o in openings)})"


def load_turns(file: str | None = None) -> TurnsOfMind:
    """The bank in ``file``, or the one shipped here.

    Raises:
        UsageError: no such file, no YAML, or a list is missing or holds something else than words.
    """
    return _read(file, version_of(file))


@lru_cache(maxsize=8)
def _read(file: str | None, version: Version | None) -> TurnsOfMind:
    return read_bank(TurnsOfMind, "turns", file, ("longthought.synth.imports", "turns_of_mind.yaml"))
