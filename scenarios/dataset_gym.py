"""Problems from reasoning-gym's generators, with train and eval splits that are disjoint by construction."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import fields
from difflib import get_close_matches
from hashlib import blake2b
from importlib import import_module
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.synth.clean.same_problem import entry_key

#: One problem in so many belongs to the eval split.
EVAL_SHARE = 20
#: Draws without a new problem after which a generator counts as used up.
_MAX_DRY = 3000
Split = Literal["all", "train", "eval"]


class ReasoningGymSpec(BaseModel):
    """``size`` distinct problems of a reasoning-gym task. ``options`` are those of the task's configuration.

    Whether a problem is for training or evaluation depends on the problem alone, never on seed, size or
    options.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["reasoning-gym"] = "reasoning-gym"
    task: str = "countdown"
    size: int = Field(default=100, ge=1)
    seed: int = 0
    split: Split = "all"
    options: dict[str, Any] = Field(default_factory=dict)
    #: Another scorer than the task's own, such as ``countdown``.
    scorer: str | None = None
    limit: int | None = Field(default=None, ge=1)


def gym_problems(spec: ReasoningGymSpec) -> Iterator[Problem]:
    """The problems, deduplicated. Ids are ``<task>-<seed>-<draw>``, so they do not depend on ``size``.

    Raises:
        UsageError: no such task, an option that the task does not take, or not enough distinct problems.
    """
    dataset = _generator(spec)
    seen: set[str] = set()
    draw = dry = 0
    while len(seen) < spec.size:
        entry = _drawn(dataset, draw)
        draw += 1
        key = entry_key(entry) if entry is not None else ""
        if entry is None or key in seen or spec.split not in ("all", split_of(key)):
            dry += 1
            if dry > _MAX_DRY:
                raise UsageError(
                    f"dataset.size: reasoning-gym task {spec.task!r} with these options has only {len(seen)} "
                    f"distinct problems in split {spec.split!r}, not {spec.size}"
                )
            continue
        seen.add(key)
        dry = 0
        yield Problem(
            id=f"{spec.task}-{spec.seed}-{draw - 1}",
            question=entry["question"].strip(),
            gold=None if entry.get("answer") is None else str(entry["answer"]),
            scorer=spec.scorer or f"reasoning-gym:{spec.task}",
            metadata={"entry": entry},
        )


def split_of(key: str) -> Split:
    """The split that a problem belongs to, by a stable hash of its key."""
    return "eval" if _hash(key) % EVAL_SHARE == 0 else "train"


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def _generator(spec: ReasoningGymSpec) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        factory = import_module("reasoning_gym.factory")
    tasks: dict[str, tuple[type, type]] = factory.DATASETS
    if spec.task not in tasks:
        near = get_close_matches(spec.task, tasks, n=3) or sorted(tasks)[:3]
        raise UsageError(f"dataset.task: reasoning-gym has no task {spec.task!r}; near: {', '.join(near)}")
    known = {field.name for field in fields(tasks[spec.task][1])} - {"seed", "size"}
    if strange := set(spec.options) - known:
        raise UsageError(
            f"dataset.options: {spec.task} takes no {', '.join(sorted(strange))}; "
            f"it takes: {', '.join(sorted(known))}"
        )
    # An entry is drawn with seed + index, so neighbouring seeds would share nearly all problems.
    seed = _hash(f"{spec.task}:{spec.seed}") % 2**31
    # Some generators plan for their size beforehand, or stop at it.
    size = spec.size * (2 * EVAL_SHARE if spec.split == "eval" else 2) + _MAX_DRY
    try:
        return factory.create_dataset(spec.task, seed=seed, size=size, **spec.options)
    except (AssertionError, TypeError, ValueError) as error:
        raise UsageError(f"dataset.options: {spec.task} refuses them: {error}") from error


def _drawn(dataset: Any, index: int) -> dict[str, Any] | None:
    try:
        entry: object = dataset[index]
    except (IndexError, ValueError):
        # Some tasks have an end, and Countdown gives up on a draw after 100 tries.
        return None
    # As it will come back from a transcript: plain JSON, tuples as lists.
    return cast("dict[str, Any]", json.loads(json.dumps(entry, default=_simpler)))


def _simpler(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(cast("set[Any]", value), key=str)
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
