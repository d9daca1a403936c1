"""Transcripts in files: a run's journal, the packed file beside it, and files of transcripts by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

import orjson
import zstandard
from pydantic import ValidationError

from longthought.agents.errors import UsageError
from longthought.agents.first_error import first_error
from longthought.protocols.file_lines import lines, pieces
from longthought.protocols.journal import Event, read_debates
from longthought.protocols.transcript import Transcript, fold

PACKED: Final = "transcripts.jsonl.zst"
#: A longer line is a mistake or an attack, and is not held in memory.
_LONGEST_LINE: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """A transcript as a line of a file, not yet read: reading can be left to another process."""

    file: str
    number: int
    text: bytes

    @property
    def problem(self) -> str | None:
        """Its problem's id, at less cost than reading all of it; None where reading will fail."""
        try:
            return str(orjson.loads(self.text)["problem"]["id"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return None

    def read(self) -> Transcript:
        try:
            return Transcript.model_validate_json(self.text)
        except ValidationError as error:
            raise UsageError(f"{self.file}:{self.number}: not a transcript: {first_error(error)}") from error


@dataclass(frozen=True, slots=True)
class Events:
    """The events of a finished debate, not yet folded."""

    run: str
    events: list[Event]

    @property
    def problem(self) -> str | None:
        """Its problem's id."""
        try:
            return str(self.events[0]["data"]["problem"]["id"])
        except (KeyError, TypeError):
            return None

    def read(self) -> Transcript:
        return cast("Transcript", fold(self.events, self.run))  # only what is unfinished folds to None


Unread = Line | Events


def unread_transcripts(source: Path) -> Iterator[Unread]:
    """The finished transcripts of a run directory (packed or not) or of a file of them, in order.

    Raises:
        UsageError: nothing there, or it cannot be read.
    """
    if source.is_dir():
        packed = source / PACKED
        if packed.is_file():
            yield from _lines(packed)
        elif any(source.glob("journal-*.jsonl")):
            for events in read_debates(source):
                if events[-1]["kind"] == "closed":
                    yield Events(source.name, events)
        else:
            raise UsageError(f"{source}: no run here (neither {PACKED} nor journal-*.jsonl)")
    elif source.is_file():
        yield from _lines(source)
    else:
        raise UsageError(f"{source}: no such run directory or transcript file")


def read_transcripts(source: Path) -> Iterator[Transcript]:
    """The same transcripts, read.

    Raises:
        UsageError: nothing there, or a line that is no transcript; the line says which.
    """
    for unread in unread_transcripts(source):
        yield unread.read()


def _lines(file: Path) -> Iterator[Line]:
    for number, text in enumerate(lines(file, pieces(file), _LONGEST_LINE), start=1):
        yield Line(str(file), number, text)


def pack(run_dir: Path) -> Path:
    """Write the finished transcripts of a run into one compressed file beside the journal, atomically."""
    target = run_dir / PACKED
    folded = (fold(events, run_dir.name) for events in read_debates(run_dir))
    write_transcripts(target, (transcript for transcript in folded if transcript is not None))
    return target


def write_transcripts(target: Path, transcripts: Iterable[Transcript]) -> int:
    """Write them into one file, compressed if its name ends so; it takes its place once it is whole. Their number."""
    partial = target.with_name(f"{target.name}.partial")
    written = 0
    try:
        with _packing(partial) if target.suffix == ".zst" else partial.open("wb") as out:
            for transcript in transcripts:
                out.write(transcript.model_dump_json(exclude_none=True).encode() + b"\n")
                written += 1
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return written


def _packing(file: Path) -> BinaryIO:
    # zstandard's annotations leave the type of what it opens out.
    return cast("BinaryIO", zstandard.open(file, "wb"))  # pyright: ignore[reportUnknownMemberType]
