"""Journeys in which something is broken on purpose, to find out what in a journey teaches.

    shuffled     the detours, reasons and all, stand at other places of the path, and their pieces in another order
    unreasoned   the ways back give no reason

Both keep the thoughts as they are, so that a control differs from its journey in nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import groupby

from longthought.agents.decisions import Backtrack, Reflect
from longthought.agents.thoughts import Turn
from longthought.synth.telling.pieces import Piece


def unreasoned(walk: Iterable[Turn]) -> tuple[Turn, ...]:
    """The same walk without the critic's reasons."""
    return tuple(
        replace(turn, decision=turn.decision.model_copy(update={"why": ""}))
        if isinstance(turn.decision, Backtrack | Reflect)
        else turn
        for turn in walk
    )


def shuffled(pieces: Sequence[Piece], on_path: Collection[int], lot: str) -> list[Piece]:
    """The same pieces with the detours at other places; the pieces of the path itself stay in order.

    Args:
        on_path: ids of the thoughts that lead to the answer.
        lot: what the places depend on.
    """
    path: list[list[Piece]] = []
    detours: list[list[Piece]] = []
    for thought, run in groupby(pieces, key=lambda piece: piece.thought if piece.thought in on_path else 0):
        (path if thought else detours).append(list(run))

    def draw(number: int, what: str) -> int:
        return int.from_bytes(blake2b(f"{lot}|{what}|{number}".encode(), digest_size=8).digest())

    # Never behind the last thought of the path, where the answer is.
    places: list[list[Piece]] = [[] for _ in path] or [[]]
    for number, detour in enumerate(detours):
        keys = [draw(piece, f"order of {number}") for piece in range(len(detour))]
        order = sorted(range(len(detour)), key=keys.__getitem__)
        places[draw(number, "place") % len(places)] += [detour[piece] for piece in order]
    told = [piece for place, step in zip(places, path, strict=False) for piece in (*place, *step)]
    return told if path else [piece for place in places for piece in place]
