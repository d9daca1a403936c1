"""How a run did on traps and their twins: was the contradiction named, and is the ordinary problem still solved.

After MathTrap (Zhao et al. 2024), which compares the accuracy on traps with that on the problems they were made from.
Departure: the two are also counted pair by pair, for a critic that cries ill-posed everywhere solves nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from longthought.protocols.transcript import Transcript

#: The name of the line over all types.
ALL = "all"


@dataclass(frozen=True, slots=True)
class TrapFigures:
    """Traps of one type. Rates are means over its traps, each averaged over its epochs.

    Attributes:
        named: the contradiction was named.
        unscored: the problem was called ill-posed, and nobody could tell whether for the right reason.
        twins: of how many of the traps the twin was played too.
        twin_solved, both: means over these, None without any; ``both`` takes the samples of the same epoch together.
    """

    traps: int
    named: float
    unscored: float
    twins: int
    twin_solved: float | None
    both: float | None


def trap_figures(transcripts: Iterable[Transcript]) -> dict[str, TrapFigures]:
    """The figures by type of trap and, last, of all; empty for a run without traps."""
    samples: defaultdict[str, dict[int, Transcript]] = defaultdict(dict)
    for transcript in transcripts:
        if isinstance(transcript.problem.metadata.get("ill_posed"), bool):
            samples[transcript.problem.id][transcript.epoch] = transcript
    types: defaultdict[str, list[_Pair]] = defaultdict(list)
    for played in samples.values():
        about = next(iter(played.values())).problem.metadata
        if about["ill_posed"]:
            twin = samples.get(str(about.get("twin")), {})
            types[str(about.get("trap", "trap"))].append(_Pair(played, twin))
    if not types:
        return {}
    figures = {name: _figures(pairs) for name, pairs in sorted(types.items())}
    return {**figures, ALL: _figures([pair for pairs in types.values() for pair in pairs])}


class _Pair:
    """One trap's samples by epoch, beside its twin's."""

    def __init__(self, trap: dict[int, Transcript], twin: dict[int, Transcript]) -> None:
        self.named = fmean(t.right for t in trap.values())
        self.unscored = fmean(
            t.outcome.kind == "ill_posed" and t.outcome.right is None for t in trap.values()
        )
        common = trap.keys() & twin.keys()
        self.solved = fmean(twin[epoch].right for epoch in common) if common else None
        self.both = fmean(trap[epoch].right and twin[epoch].right for epoch in common) if common else None


def _figures(pairs: list[_Pair]) -> TrapFigures:
    solved = [pair.solved for pair in pairs if pair.solved is not None]
    return TrapFigures(
        traps=len(pairs),
        named=fmean(pair.named for pair in pairs),
        unscored=fmean(pair.unscored for pair in pairs),
        twins=len(solved),
        twin_solved=fmean(solved) if solved else None,
        both=fmean(pair.both for pair in pairs if pair.both is not None) if solved else None,
    )
