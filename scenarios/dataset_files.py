"""Problems from rows: JSON lines, Parquet and CSV files, and data sets on the Hugging Face hub."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.whole_text import whole_json

Row = tuple[str, dict[str, Any]]

_COLUMN = re.compile(r"\{([^{}]+)\}")


class RowsSpec(BaseModel):
    """Which columns of a row are what. ``question``, ``answer``, ``id`` and ``numbers`` name columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str = "question"
    answer: str | None = "answer"
    id: str | None = None
    scorer: str = "exact"
    #: The gold answer is what stands after the last of these in the answer column, such as ``####``.
    answer_after: str | None = None
    #: Text of the question with ``{column}`` for values, in place of a question column.
    template: str | None = None
    #: For number puzzles: the column with the numbers, and the target or the column with it.
    numbers: str | None = None
    target: int | str | None = None
    #: More columns to carry along for whoever analyses the run; seats never see them.
    metadata: tuple[str, ...] = ()
    #: Of the data, such as ``mit`` or ``cc-by-4.0``; corpora made from its debates name it.
    licence: str | None = None
    limit: int | None = Field(default=None, ge=1)


class FileSpec(RowsSpec):
    """A file of rows; the suffix says what it is."""

    kind: Literal["file"] = "file"
    path: Path


class HuggingFaceSpec(RowsSpec):
    """A data set that ``datasets`` loads, by its name on the hub or a local directory."""

    kind: Literal["huggingface"] = "huggingface"
    name: str
    config: str | None = None
    split: str = "test"


def file_rows(path: Path) -> Iterator[Row]:
    """Rows of the file with their line (Parquet: row) number.

    Raises:
        UsageError: the file is missing, of an unknown kind, or broken.
    """
    readers = {".jsonl": _json_rows, ".ndjson": _json_rows, ".csv": _csv_rows, ".parquet": _parquet_rows}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"dataset.path: {path} is none of {', '.join(readers)}")
    if not path.is_file():
        raise UsageError(f"dataset.path: there is no file {path}")
    return reader(path)


def hub_rows(spec: HuggingFaceSpec) -> Iterator[Row]:
    """Rows of a data set by row number.

    Raises:
        UsageError: ``datasets`` is not installed, or cannot load it.
    """
    try:
        datasets = import_module("datasets")
    except ImportError as error:
        raise UsageError("dataset.kind huggingface needs: pip install 'longthought[export]'") from error
    try:
        rows: Any = datasets.load_dataset(spec.name, spec.config, split=spec.split)
    except Exception as error:  # its errors come from many libraries
        reason = (str(error) or type(error).__name__).splitlines()[0][:300]
        raise UsageError(
            f"dataset.name: {spec.name} (split {spec.split}) cannot be loaded: {reason}"
        ) from error
    for number, row in enumerate(rows, start=1):
        yield str(number), cast("dict[str, Any]", row)


def problems_of_rows(spec: RowsSpec, rows: Iterator[Row], source: str, stem: str) -> Iterator[Problem]:
    """One problem a row. Ids are those of the id column, or ``stem`` and the line number.

    Raises:
        UsageError: a column is missing or unusable; the message names file, line, key and the columns.
    """
    for line, row in rows:
        try:
            yield _problem(spec, row, f"{stem}-{line}")
        except UsageError as error:
            raise UsageError(f"{source}:{line}: {error}") from None


def _problem(spec: RowsSpec, row: dict[str, Any], default_id: str) -> Problem:
    if spec.template is None:
        question = _text(row, spec.question, "question")
    else:
        question = _COLUMN.sub(lambda match: _text(row, match[1], "template"), spec.template).strip()
    metadata = {name: _json_able(_value(row, name, "metadata")) for name in spec.metadata}
    if spec.numbers is not None and spec.target is not None:
        target = spec.target if isinstance(spec.target, int) else _text(row, spec.target, "target")
        metadata["numbers"] = _whole_numbers(_value(row, spec.numbers, "numbers"), spec.numbers)
        (metadata["target"],) = _whole_numbers([target], str(spec.target))
    return Problem(
        id=default_id if spec.id is None else _text(row, spec.id, "id"),
        question=question,
        gold=None if spec.answer is None else _gold(spec, row),
        scorer=spec.scorer,
        metadata=metadata,
    )


def _gold(spec: RowsSpec, row: dict[str, Any]) -> str | None:
    column = cast("str", spec.answer)
    if _value(row, column, "answer") is None:
        return None
    gold = _text(row, column, "answer")
    if spec.answer_after is None:
        return gold
    _, marker, rest = gold.rpartition(spec.answer_after)
    if not marker or not rest.strip():
        raise UsageError(f"answer: nothing stands after {spec.answer_after!r} in column {column!r}")
    return rest.strip()


def _value(row: dict[str, Any], column: str, key: str) -> Any:
    if column not in row:
        raise UsageError(f"{key}: there is no column {column!r}, only: {', '.join(map(str, row)) or 'none'}")
    return row[column]


def _text(row: dict[str, Any], column: str, key: str) -> str:
    value = _value(row, column, key)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise UsageError(f"{key}: column {column!r} must hold text or a number, not {type(value).__name__}")
    if not str(value).strip():
        raise UsageError(f"{key}: column {column!r} is empty")
    return str(value).strip()


def _whole_numbers(value: Any, column: str) -> list[int]:
    parts = re.split(r"[,\s]+", value.strip()) if isinstance(value, str) else value
    try:
        return [int(part) for part in parts]
    except (TypeError, ValueError):
        raise UsageError(
            f"numbers: column {column!r} must hold whole numbers, not {str(value)[:60]!r}"
        ) from None


def _json_able(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def _json_rows(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row: object = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except (ValueError, RecursionError) as error:
                raise UsageError(f"{path}:{number}: not JSON: {error}") from error
            if not isinstance(row, dict):
                raise UsageError(f"{path}:{number}: a JSON object is needed, not {type(row).__name__}")
            # Only an escape can bring half a character into what was UTF-8.
            yield str(number), cast("dict[str, Any]", whole_json(row) if rb"\u" in line else row)


def _csv_rows(path: Path) -> Iterator[Row]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        try:
            for row in reader:
                if None in row or None in row.values():
                    raise UsageError(f"{path}:{reader.line_num}: the row has not as many cells as the header")
                yield str(reader.line_num), dict(row)
        except (csv.Error, UnicodeDecodeError) as error:
            raise UsageError(f"{path}:{reader.line_num}: not CSV: {error}") from error


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError as error:
        raise UsageError("dataset.path: Parquet needs: pip install 'longthought[export]'") from error
    try:
        file: Any = parquet.ParquetFile(path)
        number = 0
        for batch in file.iter_batches(batch_size=256):
            for row in batch.to_pylist():
                number += 1
                yield str(number), row
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not Parquet: {error}") from error
