"""What a training run leaves: safetensors, tokenizer, ``training.json`` (what made it), a model card."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from longthought.agents.errors import UsageError
from longthought.train.card import model_card
from longthought.train.checkpoints import check_checkpoints
from longthought.train.corpus import corpus_files
from longthought.train.processes import weights_are_split
from longthought.train.provenance import RECORD, read_record, write_record
from longthought.train.reporting import check_reporters
from longthought.train.settings import FromScratch, TrainSettings


def check_places(settings: TrainSettings) -> None:
    """Make sure that the corpora are there and ``settings.out`` can be written, before hours are spent.

    Raises:
        UsageError: no such corpus or kind; or ``out`` holds a model and ``overwrite`` is off, or anything that no
            training left there; or its checkpoints may not be gone on with; or as ``check_means``.
    """
    words = settings.model.tokenizer.corpora if isinstance(settings.model, FromScratch) else []
    for corpus in (*settings.corpora, *words):
        corpus_files(corpus)
    check_means(settings)
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
    check_checkpoints(settings)
    out.parent.mkdir(parents=True, exist_ok=True)


def check_means(settings: TrainSettings) -> None:
    """Make sure that what the training is to use can be used.

    Raises:
        UsageError: a reporter's package is missing, or adapters are asked for that could not be merged.
    """
    check_reporters(settings.report_to)
    if settings.lora and weights_are_split():
        raise UsageError(
            "lora: adapters cannot be merged into weights that are split between processes; launch with `ddp`"
        )


def _left_by_training(out: Path) -> set[str]:
    """The files that the model in a directory consists of, by its own record."""
    files = read_record(out).get("files")
    return {RECORD, *files} if isinstance(files, list) else set()


def save_artifact(settings: TrainSettings, trainer: Any, tokenizer: Any, record: Mapping[str, Any]) -> Path:
    """Write everything beside ``settings.out``, then move it there in one step: no half model is ever found.

    Adapters are merged. Every process must call this: weights may be split between them. The main one writes.
    """
    pt_utils: Any = import_module("transformers.trainer_pt_utils")
    if settings.lora:
        model = trainer.model.merge_and_unload()
        weights = model.state_dict()
    else:
        model = trainer.accelerator.unwrap_model(trainer.model)
        weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    parameters = int(pt_utils.get_model_param_count(model))
    if trainer.is_world_process_zero():
        staging = settings.out.with_name(f".{settings.out.name}.partial")
        shutil.rmtree(staging, ignore_errors=True)
        # The trainer switches the cache off for itself; whoever loads the model wants it.
        model.config.use_cache = True
        model.save_pretrained(staging, state_dict=weights)
        tokenizer.save_pretrained(staging)
        record = {**record, "parameters": parameters}
        (staging / "README.md").write_text(model_card(settings.out.name, record), encoding="utf-8")
        write_record(staging, {**record, "files": sorted(file.name for file in staging.iterdir())})
        if settings.out.exists():
            shutil.rmtree(settings.out)
        staging.rename(settings.out)
    trainer.accelerator.wait_for_everyone()
    return settings.out
