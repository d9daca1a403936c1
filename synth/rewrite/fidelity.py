"""Checks that a rewrite of a thought has lost nothing: every step, wrong branch, reason, way back, and the answer.

The idea is O1-Journey's (part 1: GPT-4o smooths the concatenated tree while keeping all of its steps), which trusts
the rewriter. Here no model is asked. Draft and rewrite become tokens that do not depend on spelling (``tokens``), the
rewrite is cut into one stretch for each piece (``align``), and each stretch is held against its piece (``held``):

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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from longthought.agents.rewards.equations import equations
from longthought.synth.rewrite.align import Stream, cuts
from longthought.synth.rewrite.demands import demand_of
from longthought.synth.rewrite.held import Held
from longthought.synth.rewrite.same_numbers import like_the_draft
from longthought.synth.rewrite.sides import equalities
from longthought.synth.rewrite.stated import wrong_answer
from longthought.synth.rewrite.token import Token
from longthought.synth.rewrite.tokens import tokens
from longthought.synth.telling.masks import Span
from longthought.synth.telling.pieces import Piece, joined

#: A rewrite may be so many times as long as its draft, and a little more.
_LONGEST, _MORE = 8, 2_000


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
    if not pieces:
        return Fidelity(())
    starts = [*cuts(demands, stream, known), len(stream)]
    complaints = list(_wrong_equations(draft, found, rewrite))
    held = [
        Held(demand, stream, found, *ends) for demand, *ends in zip(demands, starts, starts[1:], strict=False)
    ]
    for at, one in enumerate(held):
        complaints += one.complaints(held[max(0, at - 1) : at + 2], known)
    if answer:
        last = max(
            (at for at, piece in enumerate(pieces) if piece.kind in ("thought", "turning thought")), default=0
        )
        behind = rewrite[stream.cuts[starts[last]] :] if starts[last] < len(stream) else ""
        complaints += wrong_answer(pieces[last:], answer, behind)
    if complaints:
        return Fidelity(tuple(dict.fromkeys(complaints)))
    places = [
        0,
        *(stream.cuts[at] if at < len(stream) else len(rewrite) for at in starts[1:-1]),
        len(rewrite),
    ]
    return Fidelity((), tuple(pairwise(places)))


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
