"""Transcripts in blocks, the units of work of an export: cut between problems, and the same ones however many work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from longthought.agents.errors import UsageError
from longthought.protocols.transcript_files import Line, Unread, unread_transcripts

#: A block ends with the problem that brings it to this many debates, or to this many bytes of lines.
_DEBATES = 64
_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Block:
    """Some transcripts of one source, all that stand together for each problem."""

    source: int
    unread: list[Unread]


def blocks(sources: Sequence[Path]) -> Iterator[Block]:
    """All transcripts in order.

    Raises:
        UsageError: a source is missing, unreadable, or has no finished debate.
    """
    for number, source in enumerate(sources):
        block: list[Unread] = []
        size = 0
        for unread in unread_transcripts(source):
            full = len(block) >= _DEBATES or size >= _BYTES
            # The samples of a problem are neighbours; only here does anybody need to know which problem it is.
            if full and (block[-1].problem != unread.problem):
                yield Block(number, block)
                block, size = [], 0
            block.append(unread)
            size += len(unread.text) if isinstance(unread, Line) else 0
        if not block:
            raise UsageError(f"{source}: no finished debate here yet; let the run go on, then export")
        yield Block(number, block)
