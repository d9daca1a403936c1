"""Repetition filter: thoughts that go round in circles.

STILL-2 filters repetition by regular expressions and n-grams. The share of repeated n-grams is the measure of Rae et
al. 2021 (Gopher, appendix A), counted in words; a loop is the same words over and over without anything between.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from longthought.synth.clean.passes import Origin, Pass, answered
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import Row

#: A loop is seen by groups of this many words that return at the same distance.
_GROUP = 4


class Repetition(Pass):
    """Looks at each text of the model by itself, and drops the row if one of them repeats itself."""

    name: ClassVar[str] = "repetition"

    #: Words of an n-gram, and the greatest share of n-grams that stood in the text before. A long thought quotes the
    #: steps that it goes back to, so this is no filter for verbatim prose.
    n: int = Field(default=10, ge=2)
    max_share: float = Field(default=0.3, ge=0, le=1)
    #: So many times the same words, one after the other, are a loop.
    loops: int = Field(default=5, ge=2)

    def __call__(self, row: Row, origin: Origin) -> Row | Dropped:
        for text in answered(row):
            words = text.split()
            if repeated_share(words, self.n) > self.max_share:
                return Dropped(f"repetition: more than {self.max_share:g} of its {self.n}-grams repeat")
            if loops(words) >= self.loops:
                return Dropped(f"repetition: a loop of {self.loops} rounds or more")
        return row


def repeated_share(words: list[str], n: int) -> float:
    """The share of n-grams that stand in the text a second time or more."""
    grams = [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def loops(words: list[str]) -> int:
    """How many times the same words follow each other, at most. A round has to have ``_GROUP`` words to count alone;
    shorter ones count by as many as make that up.

    A distance is looked at from where a group of words last stood so far back, for as long as words go on as they did
    there; nearer returns within a round do not end it.
    """
    last: dict[tuple[str, ...], int] = {}
    alike: dict[int, int] = {}  # words in a row, up to here, that stood so far back too
    most = 1
    for at in range(_GROUP - 1, len(words)):
        alike = {back: length + 1 for back, length in alike.items() if words[at] == words[at - back]}
        group = tuple(words[at + 1 - _GROUP : at + 1])
        back = at - last.get(group, at)
        last[group] = at
        if back and back not in alike:
            start = at + 1 - _GROUP
            while start > back and words[start - 1] == words[start - 1 - back]:
                start -= 1
            alike[back] = at + 1 - start
        for back, length in alike.items():
            most = max(most, 1 + length // max(back, _GROUP))
    return most
