"""Problem sets: what a scenario may name, and the problems in it, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

from pydantic import Field

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.scenarios.dataset_files import (
    FileSpec,
    HuggingFaceSpec,
    file_rows,
    hub_rows,
    problems_of_rows,
)
from longthought.scenarios.dataset_gym import ReasoningGymSpec, gym_problems
from longthought.scenarios.dataset_traps import TrapPairsSpec, trap_problems

DatasetSpec = Annotated[
    ReasoningGymSpec | FileSpec | HuggingFaceSpec | TrapPairsSpec, Field(discriminator="kind")
]


def load_problems(spec: DatasetSpec, base_dir: Path) -> Iterator[Problem]:
    """The problems of ``spec`` in a fixed order, read as they are asked for; paths start at ``base_dir``.

    Raises:
        UsageError: a file, column, task or row is not what is needed; the message names it and what is there.
    """
    match spec:
        case ReasoningGymSpec():
            problems = gym_problems(spec)
        case FileSpec():
            path = base_dir / spec.path
            problems = problems_of_rows(spec, file_rows(path), str(path), path.stem)
        case HuggingFaceSpec():
            stem = spec.name.rstrip("/").rpartition("/")[2]
            problems = problems_of_rows(spec, hub_rows(spec), spec.name, f"{stem}-{spec.split}")
        case TrapPairsSpec():
            problems = trap_problems(spec, base_dir)
    return islice(_distinct(problems), spec.limit)


def scorer_name(spec: object) -> str:
    """The scorer that the problems of ``spec`` will name; ``none`` for a plug-in's, which say it themselves."""
    match spec:
        case ReasoningGymSpec():
            return spec.scorer or f"reasoning-gym:{spec.task}"
        case FileSpec() | HuggingFaceSpec():
            return spec.scorer
        case _:
            return "none"


def _distinct(problems: Iterator[Problem]) -> Iterator[Problem]:
    seen: set[str] = set()
    for problem in problems:
        if problem.id in seen:
            raise UsageError(
                f"dataset: two problems have the id {problem.id!r}; name another id column, or none"
            )
        seen.add(problem.id)
        yield problem
