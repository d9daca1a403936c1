"""Writes the rows of one kind and split as JSONL and Parquet, a fixed number of rows in memory at a time.

The same rows give the same bytes: no timestamps, fixed writer options, the schema from the row type and not
from the data.
"""

from __future__ import annotations

import os
import types
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import orjson
from typing_extensions import is_typeddict

from longthought.agents.errors import UsageError
from longthought.synth.derive.rows import Row

Format = Literal["jsonl", "parquet"]
FORMATS: tuple[Format, ...] = ("jsonl", "parquet")

#: A row group of Parquet ends at this many rows, or at this many bytes of JSON if they come first.
_GROUP_ROWS = 2_000
_GROUP_BYTES = 32_000_000


class RowFiles:
    """``<directory>/<split>.jsonl`` and ``.parquet``, open for rows of one type.

    Raises:
        UsageError: Parquet is asked for and pyarrow is not installed.
    """

    def __init__(self, directory: Path, split: str, row: type[Row], formats: Iterable[Format]) -> None:
        directory.mkdir(exist_ok=True)
        formats = set(formats)
        self.files = [directory / f"{split}.{form}" for form in FORMATS if form in formats]
        self.rows = 0
        self._group: list[dict[str, Any]] = []
        self._group_bytes = 0
        self._parquet = _Parquet(directory / f"{split}.parquet", row) if "parquet" in formats else None
        self._jsonl = (directory / f"{split}.jsonl").open("wb") if "jsonl" in formats else None

    def write(self, row: Row) -> None:
        """Add one row."""
        # The fields are plain JSON values already, so pydantic need not walk them again.
        fields = vars(row)
        line = orjson.dumps(fields)
        self.rows += 1
        if self._jsonl is not None:
            self._jsonl.write(line)
            self._jsonl.write(b"\n")
        if self._parquet is not None:
            self._group.append(fields)
            self._group_bytes += len(line)
            if len(self._group) >= _GROUP_ROWS or self._group_bytes >= _GROUP_BYTES:
                self._flush(self._parquet)

    def close(self) -> None:
        """Finish the files and bring them to the disk."""
        if self._parquet is not None:
            if self._group:
                self._flush(self._parquet)
            self._parquet.close()
        if self._jsonl is not None:
            self._jsonl.close()
        for file in self.files:
            sync(file)

    def abandon(self) -> None:
        """Let go of the files, whatever state they are in."""
        if self._jsonl is not None:
            self._jsonl.close()
        if self._parquet is not None:
            self._parquet.close()

    def _flush(self, parquet: _Parquet) -> None:
        parquet.write(self._group)
        self._group, self._group_bytes = [], 0


class _Parquet:
    """A Parquet file whose columns are a row type's fields."""

    def __init__(self, file: Path, row: type[Row]) -> None:
        need_pyarrow()
        # pyarrow has no type stubs.
        pyarrow: Any = import_module("pyarrow")
        writer: Any = import_module("pyarrow.parquet").ParquetWriter
        hints = get_type_hints(row)
        self._table: Any = pyarrow.Table
        self._schema: Any = pyarrow.schema([(name, _arrow_type(hints[name])) for name in row.model_fields])
        self._writer: Any = writer(
            str(file), self._schema, compression="zstd", version="2.6", data_page_version="1.0"
        )

    def write(self, rows: list[dict[str, Any]]) -> None:
        self._writer.write_table(self._table.from_pylist(rows, self._schema), row_group_size=_GROUP_ROWS)

    def close(self) -> None:
        self._writer.close()


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
        raise UsageError(f"export: no column type for {hint}; use str, bool, int, float, list or a TypedDict")
    return plain[hint]
