"""What a training run leaves: safetensors, tokenizer, ``training.json`` (what made it), a model card."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from longthought.agents.errors import UsageError
from longthought.train.corpus import corpus_hashes
from longthought.train.settings import TrainSettings

_LIBRARIES = ("longthought", "torch", "transformers", "trl", "tokenizers", "datasets")


def check_out(settings: TrainSettings) -> None:
    """Make sure that ``settings.out`` can be written, before hours are spent.

    Raises:
        UsageError: it holds something already and ``overwrite`` is off.
    """
    out = settings.out
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not settings.overwrite):
        raise UsageError(f"out: {out} is there already; name another directory or set overwrite: true")
    out.parent.mkdir(parents=True, exist_ok=True)


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
    (staging / "training.json").write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
    (staging / "README.md").write_text(_card(settings, kind, record), encoding="utf-8")
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
