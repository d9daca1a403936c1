"""Checks that a rewrite of a thought has lost nothing: every step, wrong branch, reason, way back, and the answer.

The idea is O1-Journey's (part 1: GPT-4o smooths the concatenated tree while keeping all of its steps), which trusts
the rewriter. Here no model is asked. Draft and rewrite become tokens that do not depend on spelling (``tokens``), the
rewrite is cut into one stretch for each piece (``align``), and each stretch is held against its piece:

    numbers     of a step or a reason are there, by value, and no others; what is said twice may be said once. New ones
                may come with an equation that is not in the draft and holds by arithmetic.
    equations   keep their sides; one that is added holds.
    words       enough of what a step or a reason says is there; all of it in other words is refused, so that the draft
                stays.
    ways back   say that they go back, and to where.
    answer      is the draft's, where the thought ends and wherever it is stated.

Order and completeness follow from the cut: stretches are disjoint and in the order of the pieces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from longthought.agents.rewards.answer_text import find_answer
from longthought.agents.rewards.equations import equations
from longthought.synth.rewrite.align import Stream, cuts
from longthought.synth.rewrite.demands import Demand, demand_of
from longthought.synth.rewrite.same_numbers import like_the_draft
from longthought.synth.rewrite.sides import equalities, runs, side_of
from longthought.synth.rewrite.tokens import ENDS, Token, tokens
from longthought.synth.telling.masks import Span
from longthought.synth.telling.phrases import name_of
from longthought.synth.telling.pieces import Piece, joined

#: A rewrite may be so many times as long as its draft, and a little more.
_LONGEST, _MORE = 8, 2_000
#: The share of a piece's words that must be there: without numbers to go by, with one, and with several.
_WORDS_ALONE, _WORDS_WITH_ONE, _WORDS_BESIDE = 0.5, 0.4, 0.25
#: Of the numbers that name the step gone back to, the share that must be there; or of its words.
_TARGET, _TARGET_WORDS = 0.5, 0.4


@dataclass(frozen=True, slots=True)
class Fidelity:
    """What the check found.

    Attributes:
        complaints: a line for each thing that is lost or wrong; none if the rewrite may stand.
        spans: of each piece its characters in the rewrite; together they are all of it. Empty if there are complaints.
    """

    complaints: tuple[str, ...]
    spans: tuple[Span, ...] = ()


def check(pieces: Sequence[Piece], answer: str | None, rewrite: str) -> Fidelity:
    """Hold a rewrite against the pieces of its draft and the final answer."""
    if len(rewrite) > _LONGEST * len(joined(pieces)) + _MORE:
        return Fidelity(("it is far longer than the draft",))
    demands = [demand_of(piece) for piece in pieces]
    draft = [token for piece in pieces for token in tokens(piece.text)]
    found = like_the_draft(draft, tokens(rewrite))
    known = frozenset(token.key for token in draft if isinstance(token.key, Fraction))
    stream = Stream(found, _free(rewrite, found, known))
    if not pieces or not len(stream):
        return Fidelity(("there is nothing in it",)) if joined(pieces).strip() else Fidelity(())
    starts = [*cuts(demands, stream, known), len(stream)]
    complaints = list(_wrong_equations(draft, found, rewrite))
    held = [
        _Held(demand, stream, found, *ends)
        for demand, *ends in zip(demands, starts, starts[1:], strict=False)
    ]
    for at, one in enumerate(held):
        complaints += one.complaints(held[max(0, at - 1) : at + 2], known)
    if answer:
        complaints += _of_the_answer(demands, answer, starts, stream, rewrite)
    if complaints:
        return Fidelity(tuple(dict.fromkeys(complaints)))
    places = [
        0,
        *(stream.cuts[at] if at < len(stream) else len(rewrite) for at in starts[1:-1]),
        len(rewrite),
    ]
    return Fidelity((), tuple(pairwise(places)))


class _Held:
    """A piece, and the stretch of the rewrite that is held against it."""

    def __init__(self, demand: Demand, stream: Stream, found: Sequence[Token], start: int, end: int) -> None:
        self.demand = demand
        until = stream.at[end] if end < len(stream) else len(found)
        self.tokens = found[stream.at[start] : until] if start < end else []
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

    def complaints(self, around: Sequence[_Held], known: frozenset[Fraction]) -> Iterator[str]:
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

    def _said_less_often(self, around: Sequence[_Held]) -> Iterator[str]:
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

    def _way_back(self, behind: _Held) -> Iterator[str]:
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


def _wrong_equations(draft: Sequence[Token], found: Sequence[Token], rewrite: str) -> Iterator[str]:
    """Equations that are not in the draft and do not hold."""
    there = {one.sides for one in equalities(draft)}
    mine = list(equalities(found))
    failing = [one.span for one in equations(rewrite) if one.holds() is False]
    for one in mine:
        known = one.sides in there or one.holds is None
        if not known and any(start < one.span[1] and one.span[0] < end for start, end in failing):
            yield f"{one.text} is not in the draft and does not hold"


def _free(rewrite: str, found: Sequence[Token], known: frozenset[Fraction]) -> list[bool]:
    """Of each token whether it may be new: a number that the draft has nowhere, from an equation that holds."""
    true = [one.span for one in equations(rewrite) if one.holds()]
    inside = [False] * len(found)
    at = 0
    for start, end in true:
        while at < len(found) and found[at].start < start:
            at += 1
        while at < len(found) and found[at].end <= end:
            inside[at] = True
            at += 1
    brought = {token.key for token, free in zip(found, inside, strict=True) if free} - known
    return [token.key in brought for token in found]


def _of_the_answer(
    demands: Sequence[Demand],
    answer: str,
    starts: Sequence[int],
    stream: Stream,
    rewrite: str,
) -> Iterator[str]:
    """The answer stands in the last thought or behind it, if it does in the draft; and no other is stated."""
    last = max((at for at, demand in enumerate(demands) if demand.piece.kind == "thought"), default=0)
    before = tokens(joined([demand.piece for demand in demands[last:]]))
    if not _states(before, tokens(answer)):
        return
    behind = rewrite[stream.cuts[starts[last]] :] if starts[last] < len(stream) else ""
    stated = find_answer(behind)
    if not _states(like_the_draft(tokens(answer), tokens(behind)), tokens(answer)):
        yield f"the final answer {answer} is not there"
    elif (called := _called_answer(tokens(behind))) and not _states(called, tokens(answer)):
        yield f"the final answer is {answer}, and something else is called the answer"
    elif stated is not None and not _states(like_the_draft(tokens(answer), tokens(stated)), tokens(answer)):
        drafted = find_answer(joined([demand.piece for demand in demands[last:]]))
        if drafted is not None and _states(tokens(drafted), tokens(answer)):
            yield f"the final answer is {answer}, not {stated}"


def _called_answer(found: Sequence[Token]) -> list[Token]:
    """What the last sentence with the word *answer* has behind that word, if a number or a symbol is in it."""
    last = max((at for at, token in enumerate(found) if token.said == "answer"), default=None)
    if last is None:
        return []
    behind: list[Token] = []
    for token in found[last + 1 :]:
        if token.gap in ENDS and behind:
            break
        behind.append(token)
    return behind if any(token.kind in ("number", "symbol") for token in behind) else []


def _states(found: Sequence[Token], answer: Sequence[Token]) -> bool:
    """Whether the answer stands there: as a side by value, or token by token."""
    wanted = side_of(answer)
    if wanted is not None:
        for run in runs(found):
            parts: list[list[Token]] = [[]]
            for token in run:
                parts.append([]) if token.key == "=" else parts[-1].append(token)
            if any(side_of(part) == wanted for part in parts if part):
                return True
    keys = [token.key for token in answer]
    there = [token.key for token in found]
    return bool(keys) and any(there[at : at + len(keys)] == keys for at in range(len(there) - len(keys) + 1))


def _share(wanted: Counter[str], there: Counter[Fraction | str]) -> float:
    total = sum(wanted.values())
    return sum(min(there[word], count) for word, count in wanted.items()) / total if total else 1.0


def _what(demand: Demand) -> str:
    piece = demand.piece
    if piece.kind == "thought":
        return f"the step {name_of(piece.text)}"
    return f"the reason {name_of(piece.why)}" if piece.why else f"the remark {name_of(piece.text)}"


def _to(demand: Demand) -> str:
    """Which way back it is, for a complaint."""
    text = demand.piece.text.replace(demand.piece.why, "…", 1) if demand.piece.why else demand.piece.text
    return f"({name_of(text)[1:-1]}) "
