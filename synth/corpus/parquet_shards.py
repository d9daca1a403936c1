"""Parquet files of one kind and split, named as `datasets` names shards: ``train-00000-of-00002.parquet``.

Row groups have a fixed number of rows, so the bytes do not depend on how the rows came in.
"""

from __future__ import annotations

import types
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

from longthought.agents.errors import UsageError
from longthought.synth.derive.rows import Row

#: A row group ends at this many rows, or as soon as its columns have this many bytes.
_GROUP_ROWS = 2_000
_GROUP_BYTES = 32_000_000


class ParquetShards:
    """Open for tables of a row type's columns."""

    def __init__(self, directory: Path, split: str, row: type[Row], shard_bytes: int) -> None:
        # pyarrow has no type stubs.
        self._arrow: Any = import_module("pyarrow")
        self._writer_of: Any = import_module("pyarrow.parquet").ParquetWriter
        self._directory, self._split, self._shard_bytes = directory, split, shard_bytes
        self._schema = schema_of(row)
        self.files: list[Path] = []
        self._waiting: list[Any] = []
        self._rows = self._bytes = 0
        self._sink: Any = None
        self._writer: Any = None

    def write(self, table: Any) -> None:
        """Add rows."""
        self._waiting.append(table)
        self._rows += table.num_rows
        self._bytes += table.nbytes
        while self._rows >= _GROUP_ROWS:
            self._end_group(_GROUP_ROWS)
        if self._bytes >= _GROUP_BYTES:
            self._end_group(self._rows)

    def close(self) -> None:
        """Finish the last shard, and give all of them their names."""
        if self._rows or not self.files:
            self._end_group(self._rows)
        self._end_shard()
        named = [
            file.rename(file.with_name(f"{self._split}-{number:05d}-of-{len(self.files):05d}.parquet"))
            for number, file in enumerate(self.files)
        ]
        self.files = named

    def abandon(self) -> None:
        """Let go of the file that is open."""
        self._end_shard()

    def _end_group(self, rows: int) -> None:
        whole = self._arrow.concat_tables(self._waiting) if self._waiting else self._schema.empty_table()
        rest = whole.slice(rows)
        self._waiting, self._rows, self._bytes = [rest], rest.num_rows, rest.nbytes
        if self._writer is None:
            # How many shards there will be, nobody knows yet.
            self.files.append(self._directory / f"{self._split}-{len(self.files):05d}.parquet")
            self._sink = self._arrow.OSFile(str(self.files[-1]), "wb")
            self._writer = self._writer_of(
                self._sink, self._schema, compression="zstd", version="2.6", data_page_version="1.0"
            )
        self._writer.write_table(whole.slice(0, rows).combine_chunks(), row_group_size=max(1, rows))
        if self._sink.tell() >= self._shard_bytes:
            self._end_shard()

    def _end_shard(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._sink.close()
            self._writer = self._sink = None


def schema_of(row: type[Row]) -> Any:
    """The Arrow schema whose columns are the row type's fields."""
    pyarrow: Any = import_module("pyarrow")
    hints = get_type_hints(row)
    return pyarrow.schema([(name, _arrow_type(hints[name])) for name in row.model_fields])


def _arrow_type(hint: Any) -> Any:
    """The Arrow type of a field's annotation: plain values, lists, TypedDicts, and any of these or None."""
    pa: Any = import_module("pyarrow")
    if get_origin(hint) is list:
        return pa.list_(_arrow_type(get_args(hint)[0]))
    if get_origin(hint) is Literal:
        return _arrow_type(type(get_args(hint)[0]))
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (choice for choice in get_args(hint) if choice is not type(None))
        return _arrow_type(hint)
    if is_typeddict(hint):
        return pa.struct([(name, _arrow_type(inner)) for name, inner in get_type_hints(hint).items()])
    plain = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    if hint not in plain:
        raise UsageError(f"no column type for {hint}; use str, bool, int, float, list or a TypedDict")
    return plain[hint]
