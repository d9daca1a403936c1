"""The pieces of a thought: what the policy wrote, and the turns of mind between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

#: A ``way back`` also is the call for a reflection, and the news that an answer is wrong. A ``turning thought`` is a
#: thought that opens with a turn of mind of its own, as others write them.
PieceKind = Literal["thought", "turning thought", "way back", "end"]


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a thought as it is written.

    Attributes:
        kind: what a seat thought; the turn of mind after it that asks for another try or another look; or the one
            that ends the work.
        thought: id of the thought that it is, or that it speaks of.
        stands: the thought was right as far as the debate shows (``derive.standing``); false too where nobody judged.
        why: the reason that a way back gives, as it stands in the text.
        gap: what follows it where another piece does; nothing in a rewrite, whose pieces keep their white space.
    """

    text: str
    kind: PieceKind
    thought: int
    stands: bool
    why: str = ""
    gap: str = "\n"


def joined(pieces: Sequence[Piece]) -> str:
    """The thought: one piece after the other, a line break between unless they are of a rewrite."""
    if not pieces:
        return ""
    *others, last = pieces
    return "".join([*(piece.text + piece.gap for piece in others), last.text])
