"""Rows of JSON that others wrote, each with its place: ``.jsonl``, a ``.json`` list, also behind ``.gz`` or ``.zst``.

A compressed file may be a bomb, and any file may hold one endless line: what a row may hold and what may come out of a
compressed file is bounded, and read in pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import orjson

from longthought.agents.errors import UsageError
from longthought.protocols.file_lines import PACKINGS, lines, pieces

#: Bytes of one row, and of a whole ``.json`` list.
MAX_ROW: Final = 64 << 20
MAX_LIST: Final = 1 << 30
#: How many times its size a compressed file may unfold to, once more than ``FREE`` bytes came out. Text unfolds 3 to 50
#: times; a file of zeros some thousand times.
MAX_RATIO: Final = 200
FREE: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """A row of a file, or what was wrong with it. ``number`` counts from 1."""

    file: Path
    number: int
    row: object = None
    fault: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"

    def sound(self) -> object:
        """The row. Raises UsageError where it could not be read."""
        if self.fault:
            raise UsageError(f"{self}: {self.fault}")
        return self.row


def json_rows(file: Path) -> Iterator[Place]:
    """Every row in order; one that is not JSON comes with its fault, and those behind it still follow.

    Raises:
        UsageError: no such file, a ``.json`` file that is no list, a row that is too long, or a compressed file that is
            broken or unfolds beyond measure.
    """
    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    if plain_suffix(file) == ".json":
        whole = b"".join(_in_measure(file, MAX_LIST))
        try:
            rows: object = orjson.loads(whole)
        except orjson.JSONDecodeError as error:
            raise UsageError(f"{file}: not JSON ({error}); a file of JSON lines ends in .jsonl") from error
        if not isinstance(rows, list):
            raise UsageError(f"{file}: expected a list of records; a file of JSON lines ends in .jsonl")
        for number, row in enumerate(cast("list[object]", rows), start=1):
            yield Place(file, number, row)
        return
    for number, line in enumerate(lines(file, _in_measure(file), MAX_ROW), start=1):
        if line.strip():
            try:
                place = Place(file, number, orjson.loads(line))
            except orjson.JSONDecodeError as error:
                place = Place(file, number, fault=f"not JSON ({error})")
            yield place


def plain_suffix(file: Path) -> str:
    """What the file's name ends in, without what says that it is compressed."""
    suffixes = [suffix for suffix in file.suffixes if suffix not in PACKINGS]
    return suffixes[-1] if suffixes else ""


def plain_stem(file: Path) -> str:
    """The file's name without its endings."""
    name = file.name
    for suffix in (*PACKINGS, ".jsonl", ".json"):
        name = name.removesuffix(suffix)
    return name


def _in_measure(file: Path, most: int | None = None) -> Iterator[bytes]:
    """The file's bytes, unpacked, as long as they are in measure."""
    size = file.stat().st_size
    out = 0
    for piece in pieces(file):
        out += len(piece)
        if out > max(FREE, MAX_RATIO * size):
            raise UsageError(f"{file}: unfolds to more than {MAX_RATIO} times its size; unpack it yourself")
        if most is not None and out > most:
            raise UsageError(f"{file}: a list of more than {most >> 20} MiB; write it as JSON lines")
        yield piece
