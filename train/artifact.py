"""What a training run leaves: safetensors, tokenizer, ``training.json`` (what made it), a model card."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from longthought.agents.errors import UsageError
from longthought.train.corpus import corpus_files, corpus_hashes
from longthought.train.settings import TrainSettings

_RECORD = "training.json"
_LIBRARIES = ("longthought", "torch", "transformers", "trl", "tokenizers", "datasets")


def check_places(settings: TrainSettings) -> None:
    """Make sure that the corpora are there and ``settings.out`` can be written, before hours are spent.

    Raises:
        UsageError: no such corpus or kind; or ``out`` holds a model and ``overwrite`` is off, or anything that no
            training left there.
    """
    for corpus in settings.corpora:
        corpus_files(corpus)
    out = settings.out
    if out.is_file():
        raise UsageError(f"out: {out} is a file; name a directory")
    if out.is_dir() and (present := {entry.name for entry in out.iterdir()}):
        if strange := sorted(present - _left_by_training(out)):
            raise UsageError(
                f"out: {out} holds {strange[0]}, which no training left there; name another directory"
            )
        if not settings.overwrite:
            raise UsageError(f"out: {out} is there already; name another directory or set overwrite: true")
    out.parent.mkdir(parents=True, exist_ok=True)


def _left_by_training(out: Path) -> set[str]:
    """The files that the model in a directory consists of, by its own record."""
    try:
        record: Any = orjson.loads((out / _RECORD).read_bytes())
        return {_RECORD, *record["files"]}
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return set()


def save_artifact(
    settings: TrainSettings, kind: str, model: Any, tokenizer: Any, measured: Mapping[str, Any]
) -> Path:
    """Write everything beside ``settings.out``, then move it there in one step: no half model is ever found.

    ``measured`` (tokens, seconds, loss) goes into ``training.json`` and the card.
    """
    staging = settings.out.with_name(f".{settings.out.name}.partial")
    shutil.rmtree(staging, ignore_errors=True)
    # The trainer switches the cache off for itself; whoever loads the model wants it.
    model.config.use_cache = True
    model.save_pretrained(staging)
    tokenizer.save_pretrained(staging)
    record = {
        "kind": kind,
        "settings": settings.model_dump(mode="json"),
        "corpora": corpus_hashes(settings.corpora),
        "versions": {library: version(library) for library in _LIBRARIES},
        "parameters": int(model.num_parameters()),
        **measured,
    }
    (staging / "README.md").write_text(_card(settings, kind, record), encoding="utf-8")
    record["files"] = sorted(file.name for file in staging.iterdir())
    (staging / _RECORD).write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
    if settings.out.exists():
        shutil.rmtree(settings.out)
    staging.rename(settings.out)
    return settings.out


def _card(settings: TrainSettings, kind: str, record: Mapping[str, Any]) -> str:
    corpora = "\n".join(
        f"- `{Path(name).parent.name}/{Path(name).name}` sha256 `{digest}`"
        for name, digest in record["corpora"].items()
    )
    numbers = "\n".join(
        f"| {name.replace('_', ' ')} | {value:,.4g} |"
        if isinstance(value, float)
        else f"| {name.replace('_', ' ')} | {value:,} |"
        for name, value in record.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    )
    start = settings.model if isinstance(settings.model, str) else "random weights"
    return f"""---
library_name: transformers
tags: [longthought, {kind}]
---

# {settings.out.name}

Trained with `longthought train {kind}` from {Path(start).name}.

| measured | |
|---|---|
{numbers}

Corpora:

{corpora}

Everything that made it (settings, versions, the course of the loss) is in `training.json`.
"""
