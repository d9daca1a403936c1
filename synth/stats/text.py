"""What is counted in the text of a thought: words, lines, marker words, repetition.

The first five marker words are those of O1-Journey part 1, Table 3, counted as whole words in any case and anywhere.
Repetition and loops are what the filter of that name goes by: the share of eight-word sequences that stood in the
thought before, and the same words four times or more, one after the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from longthought.synth.clean.repetition import loops, repeated_share

MARKERS = ("wait", "alternatively", "but", "so", "let me", "hmm", "however", "therefore")
_MARKERS = {
    marker: re.compile(r"(?<!\w)" + marker.replace(" ", r"\s+") + r"(?!\w)", re.IGNORECASE)
    for marker in MARKERS
}
#: Words of the sequences that are looked for again, and rounds that are a loop.
_REPEATED, _ROUNDS = 8, 4


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
        loops=loops(words) >= _ROUNDS,
    )
