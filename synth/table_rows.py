"""Rows of a file, each with its place: JSON as ``json_rows`` reads it, CSV with a header, or Parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from longthought.agents.errors import UsageError
from longthought.synth.json_rows import Place, json_rows, plain_suffix

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".parquet")
_BATCH = 256


def table_rows(file: Path) -> Iterator[Place]:
    """Every row in order; a row of JSON that cannot be read comes with its fault.

    Raises:
        UsageError: no such file, none of these kinds, broken, or Parquet without pyarrow.
    """
    match plain_suffix(file).lower():
        case ".csv":
            return _csv(file)
        case ".parquet":
            return _parquet(file)
        case suffix if suffix in SUFFIXES:
            return json_rows(file)
        case _:
            raise UsageError(f"{file}: is none of {', '.join(SUFFIXES)}")


def objects(file: Path) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The same rows, which must be objects.

    Raises:
        UsageError: as above, or a row that cannot be read or is none; the line names it.
    """
    for place in table_rows(file):
        row = place.sound()
        if not isinstance(row, dict):
            raise UsageError(f"{place}: expected an object with named columns, not a {type(row).__name__}")
        yield place, cast("dict[str, Any]", row)


def _csv(file: Path) -> Iterator[Place]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as content:
            reader = csv.DictReader(content)
            for row in reader:
                yield Place(file, reader.line_num, dict(row))
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read as CSV: {error}") from error


def _parquet(file: Path) -> Iterator[Place]:
    try:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise UsageError(f"{file}: Parquet needs pyarrow; pip install 'longthought[export]'") from error
    number = 0
    try:
        for batch in parquet.ParquetFile(str(file)).iter_batches(batch_size=_BATCH):
            for row in batch.to_pylist():
                number += 1
                yield Place(file, number, row)
    except (OSError, arrow.ArrowInvalid) as error:
        raise UsageError(f"{file}: cannot be read as Parquet: {error}") from error
