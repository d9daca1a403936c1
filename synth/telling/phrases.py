"""The bank of connecting phrases: read from YAML, checked, and filled with a critic's words unchanged."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from longthought.synth.file_version import Version, version_of
from longthought.synth.word_banks import read_bank

Phrases = Annotated[tuple[str, ...], Field(min_length=1)]

#: A longer step is named by its beginning.
_LONGEST_NAME = 80


class PhraseBank(BaseModel):
    """One list of phrases per thing that a critic can decide; see ``phrases.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backtrack_one_step: Phrases
    backtrack_to_step: Phrases
    backtrack_to_problem: Phrases
    reflect: Phrases
    no_reason: Phrases
    wrong_answer: Phrases
    solved: Phrases
    ill_posed: Phrases

    @model_validator(mode="after")
    def _has_places(self) -> Self:
        places = {
            "backtrack_one_step": ("{why}", "{step}"),
            "backtrack_to_step": ("{why}", "{step}"),
            "backtrack_to_problem": ("{why}",),
            "reflect": ("{why}",),
            "ill_posed": ("{why}",),
        }
        for key, needed in places.items():
            for phrase in getattr(self, key):
                for place in needed:
                    if phrase.count(place) != 1:
                        raise ValueError(f"{key}: {phrase!r} needs {place} exactly once")
        return self


def load_phrases(file: str | None = None) -> PhraseBank:
    """The bank in ``file``, or the one shipped here.

    Raises:
        UsageError: no such file, no YAML, or a list is missing, empty, or has a phrase without its places.
    """
    return _read(file, version_of(file))


@lru_cache(maxsize=8)
def _read(file: str | None, version: Version | None) -> PhraseBank:
    return read_bank(PhraseBank, "phrases", file, ("longthought.synth.telling", "phrases.yaml"))


def with_reason(phrase: str, why: str) -> str:
    """The phrase with the reason in it exactly as said; only the phrase's own marks around it give way."""
    head, _, tail = phrase.partition("{why}")
    if head.endswith(", ") and why[:1].isupper() and why[1:2].islower():
        head = head[:-2] + ". "
    if why[-1:] in ".!?…" and tail[:1] in (";", ",", "."):
        rest = tail[1:].lstrip()
        tail = f" {rest[0].upper()}{rest[1:]}" if rest else ""
    return head + why + tail


def name_of(step: str) -> str:
    """How a thought speaks of an earlier step: its first line in quotes, cut at a word when it is long."""
    line = step.strip().partition("\n")[0].rstrip()
    if len(line) > _LONGEST_NAME:
        line = line[:_LONGEST_NAME].rsplit(" ", 1)[0].rstrip() + "…"
    return f'"{line}"'
