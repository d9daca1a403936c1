"""What is counted in the text of a thought: words, lines, marker words, repetition.

The first five marker words are those of O1-Journey part 1, Table 3, counted as whole words in any case and anywhere.
Repetition is the share of eight-word sequences that stood in the thought before; a thought loops when some twenty words
come four times.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from longthought.synth.clean.repetition import repeated_share

MARKERS = ("wait", "alternatively", "but", "so", "let me", "hmm", "however", "therefore")
_MARKERS = {
    marker: re.compile(r"(?<!\w)" + marker.replace(" ", r"\s+") + r"(?!\w)", re.IGNORECASE)
    for marker in MARKERS
}
_REPEATED, _LOOP, _ROUNDS = 8, 20, 4


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one thought. ``lines`` are those that are not blank, ``repeated`` is a share."""

    words: int
    lines: int
    markers: dict[str, int]
    repeated: float
    loops: bool


def counts(text: str) -> Counts:
    """What is in the text."""
    words = text.split()
    return Counts(
        words=len(words),
        lines=sum(bool(line.strip()) for line in text.split("\n")),
        markers={marker: sum(1 for _ in pattern.finditer(text)) for marker, pattern in _MARKERS.items()},
        repeated=repeated_share(words, _REPEATED),
        loops=max(Counter(_runs(words, _LOOP)).values(), default=0) >= _ROUNDS,
    )


def _runs(words: Sequence[str], length: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[start:] for start in range(length)), strict=False))
