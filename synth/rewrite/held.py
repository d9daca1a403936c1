"""A piece of the draft held against its stretch of the rewrite: what is lost, what is new, what has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction

from longthought.synth.rewrite.align import Stream
from longthought.synth.rewrite.demands import Demand
from longthought.synth.rewrite.sides import equalities
from longthought.synth.rewrite.token import Token
from longthought.synth.telling.phrases import name_of

#: The share of a piece's words that must be there: without numbers to go by, with one, and with several.
_WORDS_ALONE, _WORDS_WITH_ONE, _WORDS_BESIDE = 0.5, 0.4, 0.25
#: Of the numbers that name the step gone back to, the share that must be there; or of its words.
_TARGET, _TARGET_WORDS = 0.5, 0.4


class Held:
    """A piece, and the stretch of the rewrite that is held against it."""

    def __init__(self, demand: Demand, stream: Stream, found: Sequence[Token], start: int, end: int) -> None:
        self.demand = demand
        until = stream.at[end] if end < len(stream) else len(found)
        self.tokens: Sequence[Token] = found[stream.at[start] : until] if start < end else ()
        self.there = Counter(stream.keys[start:end])
        self.returns = Counter(stream.words[at] for at in range(start, end) if stream.returns[at])
        #: Numbers that the piece has and the stretch has not, or not so often; and the other way round.
        self.lacking = demand.numbers + demand.target
        self.extras: list[Fraction] = []
        spare = demand.hints.copy()
        for at in range(start, end):
            key = stream.keys[at]
            if not isinstance(key, Fraction):
                continue
            if self.lacking[key]:
                self.lacking[key] -= 1
            elif spare[key]:
                spare[key] -= 1
            elif not stream.free[at]:
                self.extras.append(key)
        self.lacking = +self.lacking

    def complaints(self, around: Sequence[Held], known: frozenset[Fraction]) -> Iterator[str]:
        """What is lost or new here; ``around`` are the pieces before and behind, and this one."""
        demand = self.demand
        what = _what(demand)
        absent = [number for number in demand.numbers if not self.there[number]]
        words, needed = _share(demand.words, self.there), _words_needed(demand)
        if (demand.numbers and len(absent) == len(demand.numbers)) or (not demand.numbers and words < needed):
            yield f"{what} is not there, or not in its place"
            return
        for number in absent:
            yield f"{what}: {number} is missing"
        for number in dict.fromkeys(self.extras):
            if number not in known:
                yield f"{number} is new, at {what}"
        if not absent and self.lacking:
            yield from self._said_less_often(around)
        if demand.numbers and words < needed:
            yield f"{what}: hardly a word of what it says is there"
        yield from _changed_equations(demand, self.tokens)
        if demand.turns:
            yield from self._way_back(around[-1])

    def _said_less_often(self, around: Sequence[Held]) -> Iterator[str]:
        """A number may be said once where the draft repeats it, if it cannot have been taken from another piece."""
        demand = self.demand
        repeated = demand.numbers + demand.target - self.lacking
        others = [one for one in around if one is not self]
        asked = {number for one in others for number in one.demand.numbers}
        # A shorter name for the step gone back to.
        shorter = all(self.there[number] >= count for number, count in demand.numbers.items())
        once = self.lacking.total() == 1 and all(repeated[n] and n not in asked for n in self.lacking)
        if any(one.extras for one in around) or not (once or shorter) or any(one.lacking for one in others):
            told = ", ".join(map(str, self.lacking))
            yield f"{_what(demand)}: {told} is said less often than in the draft"

    def _way_back(self, behind: Held) -> Iterator[str]:
        demand = self.demand
        # "Again" may be how the next step begins.
        turning = self.returns - demand.said
        if behind is not self:
            turning = self.returns + behind.returns - demand.said - behind.demand.said
        if not turning:
            yield f"the way back {_to(demand)}is not said"
            return
        if demand.target:
            left = self.there - Counter[Fraction | str](demand.numbers)
            named = sum(min(left[number], count) for number, count in demand.target.items())
            if named < _TARGET * demand.target.total():
                yield f"the way back {_to(demand)}does not say to where"
        elif _share(demand.target_words, self.there) < _TARGET_WORDS:
            yield f"the way back {_to(demand)}does not say to where"


def _words_needed(demand: Demand) -> float:
    """The share of the words that must be there: less where numbers tell what is meant."""
    numbers, words = demand.numbers.total(), demand.words.total()
    if not numbers:
        return _WORDS_ALONE
    if numbers == 1:
        return _WORDS_WITH_ONE if words > 1 else 0.0
    return _WORDS_BESIDE if words > 3 else 0.0


def _changed_equations(demand: Demand, found: Sequence[Token]) -> Iterator[str]:
    """Equations whose terms stand in other places."""
    if not demand.equalities:
        return
    kept = list(equalities(found))
    sides = {one.sides for one in kept}
    mine = {one.sides for one in demand.equalities}
    for old in demand.equalities:
        if old.sides in sides:
            continue
        for new in kept:
            if new.sides not in mine and new.terms == old.terms:
                yield f"{_what(demand)}: {old.text} has become {new.text}"
                break


def _share(wanted: Counter[str], there: Counter[Fraction | str]) -> float:
    total = sum(wanted.values())
    return sum(min(there[word], count) for word, count in wanted.items()) / total if total else 1.0


def _what(demand: Demand) -> str:
    piece = demand.piece
    if piece.kind in ("thought", "turning thought"):
        return f"the step {name_of(piece.text)}"
    return f"the reason {name_of(piece.why)}" if piece.why else f"the remark {name_of(piece.text)}"


def _to(demand: Demand) -> str:
    """Which way back it is, for a complaint."""
    text = demand.piece.text.replace(demand.piece.why, "…", 1) if demand.piece.why else demand.piece.text
    return f"({name_of(text)[1:-1]}) "
