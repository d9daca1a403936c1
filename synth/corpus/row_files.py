"""Writes the rows of one kind and split: JSON lines, shards of Parquet, and the files of other trainers.

The same rows give the same bytes: no timestamps, fixed writer options, the schema from the row type and not from the
data. Rows are encoded where they were made, and put into the files here.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Literal, cast

import orjson

from longthought.agents.errors import UsageError
from longthought.synth.corpus.chat_formats import ChatFormat, Write, writer
from longthought.synth.corpus.parquet_shards import ParquetShards, schema_of
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import Row

Format = Literal["jsonl", "parquet", "sharegpt", "openai"]
FORMATS: tuple[Format, ...] = ("jsonl", "parquet", "sharegpt", "openai")
DEFAULT_FORMATS: tuple[Format, ...] = ("jsonl", "parquet")

#: A shard ends with the row group that brings it to this many bytes; `datasets` splits at 500 MB too.
SHARD_BYTES = 500_000_000

_SUFFIX: dict[Format, str] = {"jsonl": ".jsonl", "sharegpt": ".sharegpt.jsonl", "openai": ".openai.jsonl"}


@dataclass
class Lines:
    """Rows as the formats have them: a line of each text format or why there is none, and the columns of a table."""

    rows: int
    texts: dict[Format, list[bytes | Dropped]] = field(default_factory=dict[Format, "list[bytes | Dropped]"])
    table: Any = None


class Encoder:
    """Turns rows of one type into what is written.

    Raises:
        UsageError: a format has no place for them, or pyarrow is not installed.
    """

    def __init__(self, row: type[Row], formats: Iterable[Format]) -> None:
        self._formats = [form for form in FORMATS if form in set(formats)]
        self._row = row
        chats: tuple[ChatFormat, ...] = ("sharegpt", "openai")
        self._writers: dict[Format, Write] = {f: writer(f, row) for f in chats if f in self._formats}
        if "parquet" in self._formats:
            need_pyarrow()

    def encode(self, rows: Sequence[Row]) -> Lines:
        """The rows, in order."""
        made = Lines(len(rows))
        # The fields are plain JSON values already, so pydantic need not walk them again.
        fields = [vars(row) for row in rows]
        if "jsonl" in self._formats:
            made.texts["jsonl"] = [orjson.dumps(one) + b"\n" for one in fields]
        for form, write in self._writers.items():
            records = map(write, rows)
            made.texts[form] = [
                one if isinstance(one, Dropped) else orjson.dumps(one) + b"\n" for one in records
            ]
        if "parquet" in self._formats:
            made.table = cast("Any", import_module("pyarrow")).Table.from_pylist(fields, self._schema)
        return made

    @cached_property
    def _schema(self) -> Any:
        return schema_of(self._row)


class RowFiles:
    """``<directory>/<split>.jsonl`` and its neighbours, open for rows of one type."""

    def __init__(
        self,
        directory: Path,
        split: str,
        row: type[Row],
        formats: Iterable[Format],
        shard_bytes: int = SHARD_BYTES,
    ) -> None:
        directory.mkdir(exist_ok=True)
        formats = set(formats)
        self.rows = 0
        #: Rows that a format has no place for, by format and reason.
        self.left_out: dict[Format, Counter[str]] = {}
        self._encoder = Encoder(row, formats)
        self._texts: dict[Format, tuple[Path, IO[bytes]]] = {}
        for form in FORMATS:
            if form in formats and form in _SUFFIX:
                file = directory / f"{split}{_SUFFIX[form]}"
                self._texts[form] = (file, file.open("wb"))
        self._shards = ParquetShards(directory, split, row, shard_bytes) if "parquet" in formats else None

    @property
    def files(self) -> list[Path]:
        """The files; those of Parquet have their names once all is closed."""
        return [*(file for file, _ in self._texts.values()), *(self._shards.files if self._shards else ())]

    def write(self, row: Row) -> None:
        """Add one row."""
        self.add(self._encoder.encode([row]))

    def add(self, lines: Lines, keep: Sequence[bool] | None = None) -> None:
        """Add encoded rows: those to ``keep``, or all."""
        for form, texts in lines.texts.items():
            kept = texts if keep is None else [text for text, stays in zip(texts, keep, strict=True) if stays]
            out = [text for text in kept if isinstance(text, bytes)]
            if len(out) < len(kept):
                left_out = self.left_out.setdefault(form, Counter())
                left_out.update(text.reason for text in kept if isinstance(text, Dropped))
            self._texts[form][1].write(b"".join(out))
        if self._shards is not None:
            self._shards.write(lines.table if keep is None else lines.table.filter(list(keep)))
        self.rows += lines.rows if keep is None else sum(keep)

    def close(self) -> None:
        """Finish the files and bring them to the disk."""
        for _, out in self._texts.values():
            out.close()
        if self._shards is not None:
            self._shards.close()
        for file in self.files:
            sync(file)

    def abandon(self) -> None:
        """Let go of the files, whatever state they are in."""
        for _, out in self._texts.values():
            out.close()
        if self._shards is not None:
            self._shards.abandon()


def need_pyarrow() -> None:
    """Raise UsageError where Parquet cannot be written."""
    try:
        import_module("pyarrow")
    except ImportError as error:
        raise UsageError(
            "export: Parquet needs pyarrow; pip install 'longthought[export]', or ask for JSONL only"
        ) from error


def sync(place: Path) -> None:
    """Bring a file or a directory to the disk."""
    fd = os.open(place, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
