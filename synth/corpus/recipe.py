"""What is made of a block of transcripts: rows of every kind, through all passes, as the lines and columns of files.

A recipe is a value that travels to the processes that work; what they make of a block depends on nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from hashlib import blake2b
from itertools import groupby
from typing import Literal, Self

from longthought.protocols.transcript import TREE, WRITTEN, Transcript
from longthought.synth.clean.exact import normal
from longthought.synth.clean.passes import Gate, Mark, Origin, Pass, texts
from longthought.synth.corpus.blocks import Block
from longthought.synth.corpus.row_files import Encoder, Format, Lines
from longthought.synth.derive.derivation import Counted, Derivation, Dropped
from longthought.synth.derive.intake import taken_in
from longthought.synth.derive.rows import Row

Split = Literal["train", "validation"]

#: How much of a dropped row is shown.
_EXCERPT = 300


@dataclass
class Batch:
    """Rows of one kind and split, in order: encoded, and with the mark that each gate takes of them."""

    lines: Lines
    marks: list[tuple[Mark, ...]] = field(default_factory=list[tuple[Mark, ...]])
    #: The beginning of each row, if dropped rows are to be shown.
    excerpts: list[str] = field(default_factory=list[str])


@dataclass
class Read:
    """How many debates and problems were read, and what they were; the manifest says it in the same words."""

    debates: int = 0
    problems: int = 0
    informed_left_out: int = 0
    suspects_left_out: int = 0
    neutralised: int = 0
    imported: int = 0

    def __iadd__(self, other: Read) -> Self:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))
        return self


@dataclass
class Made:
    """What became of a block."""

    source: int
    read: Read = field(default_factory=Read)
    #: Debates of each run.
    runs: Counter[str] = field(default_factory=Counter[str])
    batches: dict[tuple[str, Split], Batch] = field(default_factory=dict[tuple[str, Split], Batch])
    dropped: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    counted: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    #: Some of what was dropped: kind, reason, and what it was.
    shown: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])


@dataclass(frozen=True, slots=True)
class _Passed:
    """A row behind all passes, the marks that gates took of it on its way, and its beginning as it was derived."""

    row: Row
    marks: tuple[Mark, ...]
    excerpt: str


@dataclass(frozen=True)
class Recipe:
    """``show``: how many dropped rows of each kind and reason are to be shown."""

    kinds: Mapping[str, Derivation]
    filters: Sequence[Pass | Gate] = ()
    formats: tuple[Format, ...] = ()
    validation: float = 0.0
    include_informed: bool = False
    include_suspects: bool = False
    show: int = 0

    def row_type(self, kind: str) -> type[Row]:
        """The type of a kind's rows behind all passes.

        Raises:
            UsageError: a pass cannot take them.
        """
        row = self.kinds[kind].row
        for one in self._filters[kind]:
            row = one.row_type(row) if isinstance(one, Pass) else row
        return row

    def gates(self, kind: str) -> list[Gate]:
        """The gates that look at a kind, in order."""
        return [one for one in self._filters[kind] if isinstance(one, Gate)]

    def make(self, block: Block) -> Made:
        """The rows of a block.

        Raises:
            UsageError: a line is no transcript; it says which.
        """
        made = Made(block.source)
        rows: dict[tuple[str, Split], list[_Passed]] = {}
        shown = Counter[tuple[str, str]]()
        for samples in self._by_problem(block, made):
            problem = samples[0].problem
            split: Split = "validation" if share_of(problem.question) < self.validation else "train"
            for kind, derivation in self.kinds.items():
                origin = Origin(kind, problem)
                for one in derivation.rows(samples):
                    if isinstance(one, Counted):
                        made.counted.setdefault(kind, Counter())[one.what] += 1
                        continue
                    passed = one if isinstance(one, Dropped) else self._passed(one, origin)
                    if isinstance(passed, Dropped):
                        made.dropped.setdefault(kind, Counter())[passed.reason] += 1
                        if shown[kind, passed.reason] < self.show:
                            shown[kind, passed.reason] += 1
                            told = problem.id if isinstance(one, Dropped) else _excerpt(one)
                            made.shown.append((kind, passed.reason, told))
                    else:
                        rows.setdefault((kind, split), []).append(passed)
        for (kind, split), found in rows.items():
            made.batches[kind, split] = Batch(
                self._encoders[kind].encode([passed.row for passed in found]),
                [passed.marks for passed in found],
                [passed.excerpt for passed in found] if self.show else [],
            )
        return made

    def _by_problem(self, block: Block, made: Made) -> Iterator[list[Transcript]]:
        read = (unread.read() for unread in block.unread)
        for _, samples in groupby(read, key=lambda each: each.problem.key):
            made.read.problems += 1
            used: list[Transcript] = []
            for transcript in samples:
                made.runs[transcript.run] += 1
                made.read.debates += 1
                made.read.imported += transcript.protocol in (WRITTEN, TREE)
                taken = taken_in(transcript, informed=self.include_informed, suspects=self.include_suspects)
                if isinstance(taken, Transcript):
                    made.read.neutralised += taken is not transcript
                    used.append(taken)
                else:
                    made.read.informed_left_out += taken == "informed"
                    made.read.suspects_left_out += taken == "suspect"
            if used:
                yield used

    def _passed(self, row: Row, origin: Origin) -> _Passed | Dropped:
        excerpt = _excerpt(row) if self.show else ""
        marks: list[Mark] = []
        for one in self._filters[origin.kind]:
            if isinstance(one, Gate):
                marks.append(one.mark(row, origin))
                continue
            made = one(row, origin)
            if isinstance(made, Dropped):
                return made
            row = made
        return _Passed(row, tuple(marks), excerpt)

    @cached_property
    def _filters(self) -> dict[str, list[Pass | Gate]]:
        return {
            kind: [one for one in self.filters if one.kinds is None or kind in one.kinds]
            for kind in self.kinds
        }

    @cached_property
    def _encoders(self) -> dict[str, Encoder]:
        return {kind: Encoder(self.row_type(kind), self.formats) for kind in self.kinds}


def share_of(question: str) -> float:
    """A number in [0, 1) that depends on the question alone, so that one question is never in both splits.

    Questions that ``clean.exact`` takes for one are one here, too.
    """
    return int.from_bytes(blake2b(normal(question).encode(), digest_size=8).digest()) / 2**64


def _excerpt(row: Row) -> str:
    text = " ".join(" … ".join(texts(row)).split())
    return f"{row.id}: {text[:_EXCERPT]}" + ("…" if len(text) > _EXCERPT else "")
