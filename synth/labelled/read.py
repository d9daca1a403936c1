"""Reads labelled solutions from a file, telling the formats apart by the columns of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from longthought.agents.errors import UsageError
from longthought.agents.first_error import first_error
from longthought.synth.json_rows import json_rows, plain_stem
from longthought.synth.labelled import prm800k, published
from longthought.synth.labelled.record import LabelledSolution

_Reader = Callable[[object, str], Iterator[LabelledSolution]]

#: Columns that tell a format, and its reader; the first that fits is taken.
FORMATS: dict[str, tuple[frozenset[str], _Reader]] = {
    "stepwise": (frozenset({"prompt", "completions", "labels"}), published.stepwise),
    "outcomes": (frozenset({"prompt", "completions", "answer_right"}), published.stepwise),
    "processbench": (frozenset({"problem", "steps", "label"}), published.process_bench),
    "prm800k": (frozenset({"question", "label"}), prm800k.published),
    "prm800k-trajectories": (frozenset({"problem", "steps"}), prm800k.trajectory),
    "mr-gsm8k": (frozenset({"question", "model_output_steps"}), published.mr_gsm8k),
    "gsm8k": (frozenset({"question", "answer"}), published.gsm8k),
    "math-shepherd": (frozenset({"input", "label"}), published.math_shepherd),
}


def read_labelled(file: Path) -> Iterator[LabelledSolution]:
    """Every labelled solution of a ``.jsonl`` (or ``.json`` list) file, in order.

    Raises:
        UsageError: no such file, or a row that is in none of the formats; the line names it and says what is wrong.
    """
    name = plain_stem(file)
    empty = True
    for place in json_rows(file):
        empty = False
        yield from labelled_row(place.sound(), f"{name}-{place.number}", str(place))
    if empty:
        raise UsageError(f"{file}: no rows in it")


def labelled_row(row: object, name: str, where: str) -> Iterator[LabelledSolution]:
    """The labelled solutions of one row.

    Args:
        name: their id, where the row gives them none.
        where: where the row stands, for error lines.

    Raises:
        UsageError: the row is in none of the formats; the line says what is wrong.
    """
    columns = _columns(row)
    read = next((reader for needed, reader in FORMATS.values() if needed <= columns), None)
    if read is None:
        known = "; ".join(f"{kind}: {', '.join(sorted(needed))}" for kind, (needed, _) in FORMATS.items())
        raise UsageError(f"{where}: no format has the columns {sorted(columns)} (known are {known})")
    try:
        yield from read(row, name)
    except ValidationError as error:
        raise UsageError(f"{where}: {first_error(error)}") from error
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from error


def _columns(row: object) -> set[str]:
    return set(cast("dict[str, object]", row)) if isinstance(row, dict) else set()
