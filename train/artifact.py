"""What a training run leaves: safetensors, tokenizer, ``training.json`` (what made it), a model card."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from longthought.agents.errors import RunError, UsageError
from longthought.synth.corpus.replace_dir import place_of, replacing
from longthought.train.card import model_card
from longthought.train.checkpoints import check_checkpoints
from longthought.train.corpus import corpus_files
from longthought.train.processes import launched, weights_are_split
from longthought.train.provenance import RECORD, read_record
from longthought.train.reporting import check_reporters
from longthought.train.settings import FromScratch, TrainSettings
from longthought.train.whole import seal


def check_places(settings: TrainSettings) -> None:
    """Make sure that the corpora are there and ``settings.out`` can be written, before hours are spent.

    Raises:
        UsageError: no such corpus or kind; or ``out`` holds a model and ``overwrite`` is off, or the one to start from,
            or anything that no training left there, or us; or its checkpoints may not be gone on with; or as
            ``check_means``.
    """
    words = settings.model.tokenizer.corpora if isinstance(settings.model, FromScratch) else []
    for corpus in (*settings.corpora, *words):
        corpus_files(corpus)
    check_means(settings)
    out = settings.out
    place_of(out)
    if isinstance(settings.model, str) and _same(Path(settings.model), out):
        raise UsageError(f"out: {out} is the model that training starts from; name another directory")
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
        UsageError: a reporter's package is missing, adapters are asked for that could not be merged, or several GPUs
            are there for this one process.
    """
    check_reporters(settings.report_to)
    gpus = 0 if settings.device == "cpu" or launched() else import_module("torch").cuda.device_count()
    if gpus > 1:
        # transformers would copy the model to each in threads (DataParallel), where losses are added up wrongly.
        raise UsageError(
            f"device: {gpus} GPUs are visible, and a process trains on one; train on all with "
            "`--accelerate-config ddp`, or show it one with CUDA_VISIBLE_DEVICES=0"
        )
    if settings.lora and weights_are_split():
        raise UsageError(
            "lora: adapters cannot be merged into weights that are split between processes; launch with `ddp`"
        )


def _same(model: Path, out: Path) -> bool:
    model = model.expanduser()
    return model.is_dir() and out.is_dir() and model.samefile(out)


def _left_by_training(out: Path) -> set[str]:
    """The files that the model in a directory consists of, by its own record."""
    files = read_record(out).get("files")
    names = cast("dict[str, int]", files) if isinstance(files, dict) else {}
    return {RECORD, *(Path(name).parts[0] for name in names)} if names else set()


def save_artifact(settings: TrainSettings, trainer: Any, tokenizer: Any, record: Mapping[str, Any]) -> Path:
    """Write everything beside ``settings.out``, then put it there in one step: no half model is ever found.

    Adapters are merged. Every process must call this: weights may be split between them. The main one writes.

    Raises:
        RunError: the model cannot be written (a full disk); what ``out`` held stays, and so do the checkpoints.
    """
    from safetensors import SafetensorError

    pt_utils: Any = import_module("transformers.trainer_pt_utils")
    if settings.lora:
        model = trainer.model.merge_and_unload()
        weights = model.state_dict()
    else:
        model = trainer.accelerator.unwrap_model(trainer.model)
        weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    parameters = int(pt_utils.get_model_param_count(model))
    if trainer.is_world_process_zero():
        # The trainer switches the cache off for itself; whoever loads the model wants it.
        model.config.use_cache = True
        record = {**record, "parameters": parameters}
        try:
            with replacing(settings.out) as staging:
                model.save_pretrained(staging, state_dict=weights)
                tokenizer.save_pretrained(staging)
                (staging / "README.md").write_text(model_card(settings.out.name, record), encoding="utf-8")
                seal(staging, record)
        except (OSError, SafetensorError) as error:
            raise RunError(f"{settings.out}: the model cannot be written: {error}") from error
    trainer.accelerator.wait_for_everyone()
    return settings.out
