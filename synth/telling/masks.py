"""Which pieces of a thought carry loss, as exact spans of characters.

    all             every piece
    drop-wrong      not the thoughts that the debate went back past, reflected on or refused (what verl#5316 asks for)
    recovery-only   the ways back with their reasons, and the new try behind each, if that one stands
    critic-only     the turns of mind
    policy-only     the thoughts, wrong ones too

A thought that others wrote holds its turns of mind itself: a step that opens with one is both, the policy's and a turn.

The thought's tags and the final answer behind it are the policy's and follow from thoughts that stand, so they carry
loss in all modes but recovery-only and critic-only. A piece's line break behind it belongs to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Literal

from longthought.synth.telling.pieces import Piece

Mask = Literal["all", "drop-wrong", "recovery-only", "critic-only", "policy-only"]

#: Modes in which the tags around the thought and the answer behind it carry loss.
FRAMED: frozenset[Mask] = frozenset({"all", "drop-wrong", "policy-only"})

#: Characters from ``start`` up to ``end``, in code points.
Span = tuple[int, int]


def learned(pieces: Sequence[Piece], mask: Mask) -> list[bool]:
    """Whether each piece carries loss."""
    match mask:
        case "all":
            return [True] * len(pieces)
        case "drop-wrong":
            return [piece.stands or piece.kind in ("way back", "end") for piece in pieces]
        case "critic-only":
            return [piece.kind != "thought" for piece in pieces]
        case "policy-only":
            return [piece.kind in ("thought", "turning thought") for piece in pieces]
        case "recovery-only":
            return _recovering(pieces)


def _recovering(pieces: Sequence[Piece]) -> list[bool]:
    flags: list[bool] = []
    recovering = False
    for piece in pieces:
        recovering = recovering or piece.kind in ("way back", "turning thought")
        # A try that fails again is no recovery; the next way back is.
        flags.append(recovering and (piece.stands or piece.kind == "way back"))
        if piece.kind in ("thought", "turning thought"):
            recovering = False
    return flags


def masked_spans(open: str, pieces: Sequence[Piece], close: str, mask: Mask) -> list[Span]:
    """What carries no loss in ``open + joined(pieces) + close``, neighbours as one stretch."""
    if mask == "all":
        return []
    frame = mask in FRAMED
    lengths = [len(open), *(len(piece.text) + len(piece.gap) for piece in pieces)]
    gap = 0
    if pieces:
        # The line break behind the last piece is the one that the end begins with.
        gap = len(close) - len(close.lstrip())
        lengths[-1] += gap - len(pieces[-1].gap)
    parts = [*zip(lengths, [frame, *learned(pieces, mask)], strict=True), (len(close) - gap, frame)]
    spans: list[Span] = []
    at = 0
    for carries, run in groupby(parts, key=lambda part: part[1]):
        end = at + sum(length for length, _ in run)
        if not carries and end > at:
            spans.append((at, end))
        at = end
    return spans
