"""Trainings that end early: what they leave, who may go on with it, and that going on changes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from safetensors.torch import load_file

from longthought.agents.errors import UsageError
from longthought.train import checkpoint_records
from longthought.train.checkpoints import checkpoints_of, is_finished, last_whole
from longthought.train.settings import SftSettings
from longthought.train.sft import run_sft
from tests.train.tiny_corpora import sft_rows, shared_settings, write_corpus


class PowerCut(Exception):
    pass


def record(directory: Path) -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads((directory / "training.json").read_bytes())
    return made


def losses(directory: Path) -> list[float]:
    return [line["loss"] for line in record(directory)["log"]]


@pytest.fixture
def base(tmp_path: Path) -> dict[str, Any]:
    """Two epochs of five steps, the last step of each smaller than the others, with a checkpoint every three."""
    corpus = write_corpus(tmp_path / "corpus", "dialogue", sft_rows(18))
    shared = shared_settings(corpus, "dialogue", tmp_path / "straight")
    return {**shared, "epochs": 2, "bf16": False, "save_steps": 3, "log_steps": 2}


def settings_of(base: dict[str, Any], **changes: Any) -> SftSettings:
    return SftSettings.model_validate({**base, **changes})


def cut_after(step: int, settings: SftSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train until the power fails, which is after a checkpoint or in the middle of one."""

    def fail(self: Any, args: Any, state: Any, control: Any, **_: Any) -> Any:
        if state.global_step == step:
            raise PowerCut
        return original(self, args, state, control)

    original = checkpoint_records.CheckpointRecords.on_step_end
    with monkeypatch.context() as patch, pytest.raises(PowerCut):
        patch.setattr(checkpoint_records.CheckpointRecords, "on_step_end", fail)
        run_sft(settings)


@pytest.mark.parametrize("step", [5, 7, 9])
def test_a_resumed_training_ends_as_a_straight_one(
    base: dict[str, Any], tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = run_sft(settings_of(base))
    cut = settings_of(base, out=tmp_path / "resumed")
    cut_after(step, cut, monkeypatch)
    assert not cut.out.exists()
    resumed = run_sft(cut.model_copy(update={"earlier": "resume"}))
    weights, again = (load_file(model / "model.safetensors") for model in (straight, resumed))
    assert all(bool((weights[name] == again[name]).all()) for name in weights)
    assert record(straight)["log"] == record(resumed)["log"]
    assert record(straight)["mean_loss"] == record(resumed)["mean_loss"]
