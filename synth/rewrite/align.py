"""Cuts a rewrite into one stretch for each piece of the draft, in order, so that as little as possible is missing.

Dynamic programming over pieces and cuts. A state is *so many pieces have taken the rewrite up to here*; of each piece
only the best states are kept, and a stretch is not followed much further than the piece is long, so the time grows with
the length of the text and not with its square.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from heapq import nsmallest

from longthought.synth.rewrite.demands import Demand
from longthought.synth.rewrite.token import Token, says
from longthought.synth.rewrite.words import is_return

#: States kept of each piece.
_BEAM = 16
#: What a number is worth that is not there, one that is said less often, and one that is new, or known from elsewhere.
_MISSING, _SELDOM, _NEW, _KNOWN = 4.0, 1.5, 4.0, 0.75
_WORD, _TURN = 0.5, 1.5
#: Of any other token. All are paid for in the end; before it, states that took fewer are not to look worse for it.
_IDLE = 0.05
_CUTS = {"line": 0.0, "sentence": 0.05, "clause": 0.2, "": 0.9}
#: Words with which the next thought may begin in the middle of a sentence.
_JOINTS = frozenset(
    (
        "and",
        "so",
        "then",
        "but",
        "because",
        "since",
        "which",
        "that",
        "hence",
        "thus",
        "therefore",
        "next",
        "now",
        "after",
    )
)


class Stream:
    """The tokens of a rewrite that say something, with the price of a cut in front of each, and where it is."""

    def __init__(self, found: Sequence[Token], free: Sequence[bool]) -> None:
        self.keys: list[Fraction | str] = []
        self.returns: list[bool] = []
        self.free: list[bool] = []
        #: Of each token here the index, among all tokens, of the first behind the cut.
        self.at: list[int] = []
        self.words: list[str] = []
        self.prices: list[float] = []
        self.cuts: list[int] = []
        price, cut = _CUTS["line"], 0
        for at, token in enumerate(found):
            here = _CUTS[token.gap] if token.gap else 0.3 if token.said in _JOINTS else _CUTS[""]
            if here < price or (here == price and token.gap):
                price, cut = here, token.cut
            said = says(token)
            turning = is_return(token.said)
            if said is None and not turning:
                continue
            self.keys.append(token.said if said is None else said)
            self.returns.append(turning)
            self.words.append(token.said)
            self.free.append(free[at] or token.kind in ("hint", "spelled"))
            self.prices.append(price)
            self.cuts.append(cut if price < _CUTS[""] else token.cut)
            first = at
            while first and found[first - 1].start >= self.cuts[-1]:
                first -= 1
            self.at.append(first)
            price, cut = _CUTS[""] + 1, token.end

    def __len__(self) -> int:
        return len(self.keys)


def cuts(demands: Sequence[Demand], stream: Stream, known: frozenset[Fraction]) -> list[int]:
    """For each piece the index in the stream at which its stretch begins; it ends where the next begins."""
    total = sum(demand.length for demand in demands) or 1
    ratio = max(1.0, len(stream) / total)
    states: dict[int, float] = {0: 0.0}
    back: list[dict[int, int]] = []
    for number, demand in enumerate(demands):
        last = number == len(demands) - 1
        reach = len(stream) if last else int(demand.length * ratio * 2) + 40
        reached: dict[int, float] = {}
        came: dict[int, int] = {}
        for start, cost in states.items():
            for end, added in _stretches(demand, stream, start, min(len(stream), start + reach), known, last):
                price = cost + added + (stream.prices[end] if 0 < end < len(stream) and end != start else 0.0)
                if price < reached.get(end, float("inf")):
                    reached[end] = price
                    came[end] = start
        states = dict(nsmallest(_BEAM, reached.items(), key=lambda state: (state[1], state[0])))
        back.append(came)
    at = min(states, key=lambda end: (states[end], -end))
    starts: list[int] = []
    for came in reversed(back):
        at = came[at]
        starts.append(at)
    return starts[::-1]


def _stretches(
    demand: Demand, stream: Stream, start: int, limit: int, known: frozenset[Fraction], last: bool
) -> list[tuple[int, float]]:
    """The cost of every stretch from ``start``: what the piece misses in it, and what is new in it."""
    numbers, words, target = dict(demand.numbers), dict(demand.words), dict(demand.target)
    hints, target_words = dict(demand.hints), dict(demand.target_words)
    wanted = demand.numbers
    cost = sum(_MISSING + _SELDOM * (count - 1) for count in numbers.values())
    cost += _SELDOM * sum(target.values()) + (_TURN if demand.turns else 0.0)
    turning, spare = demand.turns, dict(demand.said)
    empty = cost + (0.0 if demand.is_free else 1.0)
    out = [] if last and start < limit else [(start, empty)]
    added = 0.0
    keys, returns, free = stream.keys, stream.returns, stream.free
    for at in range(start, limit):
        key = keys[at]
        if isinstance(key, Fraction):
            if numbers.get(key, 0):
                cost -= _MISSING if numbers[key] == wanted[key] else _SELDOM
                numbers[key] -= 1
            elif target.get(key, 0):
                target[key] -= 1
                cost -= _SELDOM
            elif hints.get(key, 0):
                hints[key] -= 1
            elif not free[at]:
                price = _KNOWN if key in known else _NEW
                cost += price
                added += price
                if added > 24 and not last:
                    break
        elif words.get(key, 0):
            words[key] -= 1
            cost -= _WORD
        elif target_words.get(key, 0):
            target_words[key] -= 1
            cost -= _WORD / 2
        else:
            cost += _IDLE
        if turning and returns[at]:
            word = key if isinstance(key, str) else ""
            if spare.get(word, 0):
                spare[word] -= 1
            else:
                turning = False
                cost -= _TURN
        if not last or at == limit - 1:
            out.append((at + 1, cost))
    return out
