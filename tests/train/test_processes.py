"""One of several processes: what it knows of itself, and what cannot be done there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from longthought.agents.errors import UsageError
from longthought.train.arguments import use_bf16
from longthought.train.processes import is_main, processes, weights_are_split
from longthought.train.settings import SftSettings
from tests.train.tiny_trainings import tiny_settings, train


def test_without_a_launcher_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "ACCELERATE_USE_FSDP", "ACCELERATE_DEEPSPEED_ZERO_STAGE"):
        monkeypatch.delenv(name, raising=False)
    assert (processes(), is_main(), weights_are_split()) == (1, True, False)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert (processes(), is_main(), weights_are_split()) == (2, False, False)


@pytest.mark.parametrize(
    ("name", "value"), [("ACCELERATE_USE_FSDP", "true"), ("ACCELERATE_DEEPSPEED_ZERO_STAGE", "3")]
)
def test_adapters_are_refused_where_they_cannot_be_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    settings = tiny_settings("sft", tmp_path / "no model", tmp_path, rows=2)
    with pytest.raises(UsageError, match=r"lora: adapters cannot be merged .* launch with `ddp`"):
        train("sft", settings, lora={"r": 2})


def test_several_gpus_are_for_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    settings = tiny_settings("sft", tmp_path / "no model", tmp_path, rows=2)
    with pytest.raises(
        UsageError, match=r"2 GPUs are visible, .* `--accelerate-config ddp`, .* CUDA_VISIBLE_DEVICES=0"
    ):
        train("sft", settings, device="auto")
    for device, launcher in (("cpu", {}), ("auto", {"WORLD_SIZE": "2"})):
        for name, value in launcher.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(UsageError, match="no model at"):
            train("sft", settings, device=device)


def test_bfloat16_is_taken_where_the_processor_has_it(tmp_path: Path) -> None:
    settings = SftSettings.model_validate(
        tiny_settings("sft", tmp_path, tmp_path, rows=2) | {"bf16": "auto", "device": "cpu"}
    )
    cpu = Path("/proc/cpuinfo")
    if not cpu.is_file():
        pytest.skip("only Linux says what its processor can do")
    flags = set(cpu.read_text().split())
    assert use_bf16(settings) == bool(flags & {"avx512_bf16", "amx_bf16"})
    assert use_bf16(settings.model_copy(update={"bf16": True})) is True
    assert use_bf16(settings.model_copy(update={"bf16": False})) is False
