"""Trap problems with the ordinary ones that they were made from, in the format of MathTrap's public set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.rewards.answer_text import find_answer
from longthought.agents.whole_text import whole_json
from longthought.scenarios.dataset_files import Row, file_rows

TRAP, TYPE, WRONG_WITH_IT = "trap_problem", "trap_type", "human_annotation"
TWIN, SOLUTION = "original_problem", "original_solution"


class TrapPairsSpec(BaseModel):
    """A file of rows with the columns ``trap_problem``, ``trap_type``, ``human_annotation``, ``original_problem`` and
    ``original_solution``: a JSON array, JSON lines, CSV or Parquet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["trap-pairs"] = "trap-pairs"
    path: Path
    #: Of the answers of both.
    scorer: str = "math-verify"
    #: Rows, counted from 1, whose solution is not that of their original problem: their traps stay without a twin.
    without_twin: tuple[int, ...] = ()
    limit: int | None = Field(default=None, ge=1)


def trap_problems(spec: TrapPairsSpec, base_dir: Path) -> Iterator[Problem]:
    """Each row's trap, and after it its twin, the untouched problem, unless an earlier row had the same one.

    A trap's gold is what is wrong with it, a twin's the answer that its solution ends in. In their metadata stand
    ``ill_posed``, and of a trap its ``trap`` type and the id of its ``twin``, None if it has none.

    Raises:
        UsageError: the file or a row is not what is needed; the message names file, row and column.
    """
    path = base_dir / spec.path
    rows = _array(path) if path.suffix.lower() == ".json" else file_rows(path)
    twins: dict[str, str] = {}
    for number, (line, row) in enumerate(rows, start=1):
        try:
            yield from _pair(spec, row, number, f"{path.stem}-{number}", twins)
        except UsageError as error:
            raise UsageError(f"{path}:{line}: {error}") from None


def _pair(
    spec: TrapPairsSpec, row: dict[str, Any], number: int, name: str, twins: dict[str, str]
) -> Iterator[Problem]:
    question = _text(row, TWIN)
    new = number not in spec.without_twin and question not in twins
    if new:
        twins[question] = f"{name}-twin"
    metadata = {"ill_posed": True, "trap": _text(row, TYPE), "twin": twins.get(question)}
    if number in spec.without_twin:
        metadata["twin"] = None
    yield Problem(
        id=name,
        question=_text(row, TRAP),
        gold=_text(row, WRONG_WITH_IT),
        scorer=spec.scorer,
        metadata=metadata,
    )
    if new:
        gold = find_answer(_text(row, SOLUTION))
        if gold is None:
            raise UsageError(
                f"column {SOLUTION!r} ends in no answer (\\boxed{{…}} or #### …); name the row under without_twin"
            )
        yield Problem(
            id=twins[question],
            question=question,
            gold=gold,
            scorer=spec.scorer,
            metadata={"ill_posed": False},
        )


def _array(path: Path) -> Iterator[Row]:
    if not path.is_file():
        raise UsageError(f"dataset.path: there is no file {path}")
    try:
        rows: object = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON: {error}") from error
    if not isinstance(rows, list):
        raise UsageError(f"{path}: a JSON array of rows is needed, not {type(rows).__name__}")
    for number, row in enumerate(cast("list[object]", rows), start=1):
        if not isinstance(row, dict):
            raise UsageError(f"{path}:{number}: a JSON object is needed, not {type(row).__name__}")
        yield str(number), cast("dict[str, Any]", whole_json(row))


def _text(row: dict[str, Any], column: str) -> str:
    if column not in row:
        raise UsageError(f"there is no column {column!r}, only: {', '.join(map(str, row)) or 'none'}")
    value = row[column]
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"column {column!r} must hold text")
    return value.strip()
