"""Questions of evaluation files, for comparing: JSON lines, a JSON list, or CSV with a header."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import orjson

from longthought.agents.errors import UsageError

#: Tried in this order where no column is named.
COLUMNS = ("question", "problem", "prompt", "input", "text")


def questions(file: Path, column: str | None = None) -> Iterator[str]:
    """The questions in a file, in order.

    Raises:
        UsageError: the file cannot be read, or a row has no such column; the line says which.
    """
    suffix = file.suffix.lower()
    readers = {".jsonl": _json_lines, ".ndjson": _json_lines, ".json": _json, ".csv": _csv}
    if suffix not in readers:
        raise UsageError(f"decontaminate: {file}: is none of {', '.join(readers)}")
    try:
        for place, row in readers[suffix](file):
            yield _question(f"{file}:{place}", row, column)
    except OSError as error:
        raise UsageError(f"decontaminate: {file}: {error.strerror}") from error
    except (orjson.JSONDecodeError, csv.Error, UnicodeDecodeError) as error:
        raise UsageError(f"decontaminate: {file}: {error}") from error


def file_hash(file: Path) -> str:
    """SHA-256 of a file.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"decontaminate: {file}: {error.strerror}") from error


def _question(place: str, row: object, column: str | None) -> str:
    if not isinstance(row, dict):
        raise UsageError(f"decontaminate: {place}: a row with named columns is needed")
    cells = cast("dict[str, object]", row)
    names = COLUMNS if column is None else (column,)
    for name in names:
        value = cells.get(name)
        if isinstance(value, str):
            return value
    has = ", ".join(map(str, cells)) or "none"
    raise UsageError(f"decontaminate: {place}: no text in column {' or '.join(names)}; columns: {has}")


def _json_lines(file: Path) -> Iterator[tuple[int, object]]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield number, orjson.loads(line)
                except orjson.JSONDecodeError as error:
                    raise UsageError(f"decontaminate: {file}:{number}: not JSON: {error}") from error


def _json(file: Path) -> Iterator[tuple[int, object]]:
    rows: object = orjson.loads(file.read_bytes())
    if not isinstance(rows, list):
        raise UsageError(f"decontaminate: {file}: a list of rows is needed; JSON lines end in .jsonl")
    yield from enumerate(cast("list[object]", rows), start=1)


def _csv(file: Path) -> Iterator[tuple[int, object]]:
    with file.open(newline="", encoding="utf-8-sig") as content:
        reader = csv.DictReader(content)
        for row in reader:
            yield reader.line_num, dict(row)
