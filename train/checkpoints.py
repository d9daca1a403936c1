"""Checkpoints: which are whole, which may be gone on with, and what becomes of those that may not.

``<out>-checkpoints`` begins with the record of the training that they belong to; a checkpoint gets its own, which names
its files and their sizes, when everything else of it is on the disk, so that one without is half a checkpoint.
transformers writes the states of optimiser, scheduler and dice with pickle, and reads them as plain weights only; only
checkpoints of the same training are read at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from longthought.agents.errors import UsageError
from longthought.synth.corpus.replace_dir import remove, replacing
from longthought.synth.differences import differences
from longthought.train.provenance import identity_of, read_record, write_record
from longthought.train.settings import TrainSettings
from longthought.train.whole import is_whole


def checkpoints_of(settings: TrainSettings) -> Path:
    """The directory of a training's checkpoints."""
    return settings.out.with_name(f"{settings.out.name}-checkpoints")


def is_finished(settings: TrainSettings) -> bool:
    """Whether this very training has made what ``out`` holds, and all of it is there."""
    return _is_model_of(settings, identity_of(settings))


def check_checkpoints(settings: TrainSettings) -> None:
    """Make sure that an earlier training's checkpoints are gone on with, or nobody needs them.

    Raises:
        UsageError: they are an unfinished training's, and ``earlier`` is ``refuse``, or ``resume`` and this is another
            training, with each difference; or what is there is nobody's checkpoints.
    """
    place = checkpoints_of(settings)
    if _is_empty(place) or settings.earlier == "set-aside":
        return
    begun = read_record(place).get("identity")
    if begun is None:
        raise UsageError(
            f"{place}: holds no checkpoints of `longthought train`; move it away or choose another out"
        )
    if _is_model_of(settings, begun):
        # They are there to be replaced, as it is.
        return
    if settings.earlier == "refuse":
        last = last_whole(place)
        where = f"stopped after step {step_of(last)}" if last else "stopped before its first checkpoint"
        raise UsageError(
            f"{place}: holds a training that {where}; go on with --resume, start afresh with --force-new, "
            "or choose another out"
        )
    if changes := "; ".join(
        f"{key}: {was} → {is_}" for key, was, is_ in differences(begun, identity_of(settings))
    ):
        raise UsageError(
            f"{place}: holds another training ({changes}); change it back, choose another out, or move the "
            "checkpoints aside with --force-new"
        )


def take_checkpoints(settings: TrainSettings, made: Mapping[str, Any]) -> None:
    """Make their place ready: empty, or with what can be gone on with. For one process alone."""
    place = checkpoints_of(settings)
    if not _is_empty(place):
        if settings.earlier == "set-aside":
            place.rename(next(free for free in _numbered(place) if not free.exists()))
        elif _is_model_of(settings, read_record(place).get("identity")):
            remove(place)
        else:
            for half in place.glob("checkpoint-*"):
                if not is_whole(half):
                    shutil.rmtree(half)
    if settings.save_steps and _is_empty(place):
        with replacing(place) as new:
            write_record(new, dict(made))
    else:
        drop_if_empty(place)


def drop_if_empty(place: Path) -> None:
    """The trainers make the directory whether it is needed or not."""
    if place.is_dir() and not any(place.iterdir()):
        place.rmdir()


def last_whole(place: Path) -> Path | None:
    """The last checkpoint of which nothing is missing."""
    return max(filter(is_whole, place.glob("checkpoint-*")), key=step_of, default=None)


def has_ended(checkpoint: Path) -> bool:
    """Whether it was saved after the training's last step."""
    state = orjson.loads((checkpoint / "trainer_state.json").read_bytes())
    return bool(state["global_step"] >= state["max_steps"])


def step_of(checkpoint: Path) -> int:
    """The optimiser steps before it."""
    return int(checkpoint.name.rpartition("-")[2])


def _is_empty(place: Path) -> bool:
    # transformers may have made the directory already.
    return not place.exists() or (place.is_dir() and not any(place.iterdir()))


def _is_model_of(settings: TrainSettings, identity: object) -> bool:
    """Whether ``out`` holds the whole model of a training."""
    made = read_record(settings.out).get("identity")
    return made is not None and made == identity and is_whole(settings.out)


def _numbered(place: Path) -> Iterator[Path]:
    return (place.with_name(f"{place.name}.{n}") for n in count(1))
