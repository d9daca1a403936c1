"""Questions of evaluation files, for comparing: JSON lines, a JSON list, CSV with a header, or Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from longthought.agents.errors import UsageError
from longthought.synth.table_rows import objects

#: Tried in this order where no column is named.
COLUMNS = ("question", "problem", "prompt", "instruction", "input", "text")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def questions(file: Path, column: str | None = None) -> Iterator[str]:
    """The questions in a file, in order.

    Raises:
        UsageError: the file cannot be read, or a row has no such column; the line says which.
    """
    names = COLUMNS if column is None else (column,)
    for place, row in objects(file):
        question = next((row[name] for name in names if _is_text(row.get(name))), None)
        if question is None:
            has = ", ".join(map(str, row)) or "none"
            raise UsageError(
                f"decontaminate: {place}: no text in column {' or '.join(names)}; columns: {has}"
            )
        yield question
