"""Tiny trainings of each kind, and how far apart two of them ended."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson

from longthought.agents.problems import Problem
from longthought.train.dpo import run_dpo
from longthought.train.grpo import run_grpo
from longthought.train.kto import run_kto
from longthought.train.reward_model import run_prm
from longthought.train.settings import (
    DpoSettings,
    GrpoSettings,
    KtoSettings,
    PrmSettings,
    SftSettings,
    TrainSettings,
)
from longthought.train.sft import run_sft
from tests.train.tiny_corpora import (
    judged_rows,
    preference_rows,
    sft_rows,
    shared_settings,
    step_rows,
    write_corpus,
)

_PROBLEMS = [Problem(id=str(i), question=f"{i}+9?") for i in range(8)]


async def _score(problem: Problem, text: str) -> float:
    """Right is every other text."""
    return float(sum(map(ord, text)) % 2)


#: Those of which a step is the same however it is divided; KTO's has a term of each batch's own.
KINDS = ("sft", "dpo", "prm")
_CORPORA = {"sft": "dialogue", "dpo": "preference", "kto": "kto", "prm": "step_labels"}
_TRAINERS: dict[str, tuple[type[TrainSettings], Callable[[Any], Path]]] = {
    "sft": (SftSettings, run_sft),
    "dpo": (DpoSettings, run_dpo),
    "kto": (KtoSettings, run_kto),
    "prm": (PrmSettings, run_prm),
    "grpo": (GrpoSettings, lambda settings: run_grpo(settings, _PROBLEMS, _score)),
}


def tiny_settings(kind: str, model: Path | None, place: Path, rows: int = 24) -> dict[str, Any]:
    """Settings for a corpus of rows of quite unequal lengths, made in ``place``; without a model, random weights.

    GRPO has eight problems, whatever ``rows`` is, two of them in a step.
    """
    if kind == "grpo":
        shared = shared_settings(place, "", place / "model") | {"model": str(model), "learning_rate": 1e-3}
        asked = {"problems": {"scenario": "none"}, "num_generations": 2, "max_completion_length": 8}
        return {**shared, **asked, "corpora": [], "bf16": False}
    name = _CORPORA[kind]
    corpus = write_corpus(place / "corpus", name, uneven_rows(kind, rows))
    shared = shared_settings(corpus, name, place / "model")
    start = shared["model"] if model is None else str(model)
    return {**shared, "model": start, "learning_rate": 1e-3, "bf16": False}


_weights: Any = import_module("safetensors.torch")


def train(kind: str, settings: dict[str, Any], **changes: Any) -> Path:
    schema, run = _TRAINERS[kind]
    return run(schema.model_validate({**settings, **changes}))


def uneven_rows(kind: str, n: int) -> list[dict[str, Any]]:
    if kind == "sft":
        rows = sft_rows(n)
        for i, row in enumerate(rows):
            row["messages"][3]["content"] += " no" * (7 * i % 30)
        return rows
    if kind == "dpo":
        rows = preference_rows(n)
        for i, row in enumerate(rows):
            row["rejected"][0]["content"] += " no" * (7 * i % 30)
        return rows
    if kind == "kto":
        rows = judged_rows(n)
        for i, row in enumerate(rows):
            row["completion"][0]["content"] += " no" * (7 * i % 30)
        return rows
    rows = step_rows(n)
    for i, row in enumerate(rows):
        row["completions"] = [f"{i}+{k}={i + k}" for k in range(i % 5)] + row["completions"]
        row["labels"] = [True] * (i % 5) + row["labels"]
    return rows


def record(directory: Path) -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads((directory / "training.json").read_bytes())
    return made


def losses(directory: Path) -> list[float]:
    return [line["loss"] for line in record(directory)["log"]]


def apart(one: Path, other: Path) -> float:
    """The largest difference between two weights of the same name."""
    first, second = (_weights.load_file(model / "model.safetensors") for model in (one, other))
    assert first.keys() == second.keys()
    return max(float((first[name] - second[name]).abs().max()) for name in first)


def moved(model: Path, start: Path) -> float:
    """How far the weights that both have are from those of the model that training began with."""
    first, second = (_weights.load_file(place / "model.safetensors") for place in (model, start))
    return max(float((first[name] - second[name]).abs().max()) for name in first.keys() & second.keys())
