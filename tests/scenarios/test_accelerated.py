"""Training in several processes: the ready configurations, and that two on the CPU come to what one comes to."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from longthought.agents.errors import UsageError
from longthought.scenarios.accelerated import accelerate_file, launch
from tests.train.conftest import trained as trained
from tests.train.tiny_trainings import apart, losses, record, tiny_settings, train

READY = ("cpu2", "ddp", "fsdp2", "zero3")


@pytest.mark.parametrize("name", READY)
def test_accelerate_understands_the_ready_configurations(name: str) -> None:
    launching: Any = import_module("accelerate.commands.launch")
    file = accelerate_file(name)
    # Refuses keys that it does not know.
    config: Any = import_module("accelerate.commands.config.config_args").load_config_from_file(str(file))
    parsed = launching.launch_command_parser().parse_args(
        ["--config_file", str(file), "-m", "longthought.scenarios.cli"]
    )
    arguments, _, _ = launching._validate_launch_command(parsed)
    assert arguments.num_processes == config.num_processes == (2 if name == "cpu2" else 8)
    assert arguments.mixed_precision == "no"
    kinds = {"ddp": "multi_gpu", "cpu2": "multi_gpu", "fsdp2": "use_fsdp", "zero3": "use_deepspeed"}
    assert getattr(arguments, kinds[name])
    if name == "fsdp2":
        assert (arguments.fsdp_version, arguments.fsdp_state_dict_type) == (2, "FULL_STATE_DICT")
    if name == "zero3":
        assert (arguments.zero_stage, arguments.zero3_save_16bit_model) == (3, True)


def test_what_cannot_be_launched_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ddp4 is none of cpu2, ddp, fsdp2, zero3, and no file"):
        launch("ddp4", None, [])
    with pytest.raises(UsageError, match=r"mine\.yaml does not exist"):
        launch(str(tmp_path / "mine.yaml"), None, [])
    with pytest.raises(UsageError, match=r"ddp asks for 1000 GPUs and \d+ are there; set --processes"):
        launch("ddp", 1000, [])


def command(config: Path, *arguments: str, kind: str = "sft") -> subprocess.CompletedProcess[str]:
    start = [sys.executable, "-m", "longthought.scenarios.cli", "train", kind, "--config", str(config)]
    return subprocess.run([*start, *arguments], capture_output=True, text=True, timeout=600)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_come_to_what_one_comes_to(tmp_path: Path) -> None:
    settings = tiny_settings("sft", None, tmp_path, rows=24) | {"epochs": 2, "batch": 8, "save_steps": 5}
    one = train("sft", settings)
    two = tmp_path / "two"
    config = tmp_path / "sft.yaml"
    config.write_text(yaml.safe_dump(settings | {"out": str(two), "batch": 4}))
    straight = command(config, "--accelerate-config", "cpu2")
    assert straight.returncode == 0
    assert straight.stdout.splitlines()[-1] == str(two)
    assert losses(two) == pytest.approx(losses(one), abs=1e-5)
    assert apart(one, two) < 1e-5
    assert record(two)["processes"] == 2
    assert {file.name for file in two.iterdir()} == {file.name for file in one.iterdir()}
    # As if they had been interrupted in the second epoch: two go on as two, and one may not.
    shutil.rmtree(two)
    (tmp_path / "two-checkpoints" / "checkpoint-6" / "training.json").unlink()
    with pytest.raises(UsageError, match="processes: 2 → 1"):
        train("sft", settings, out=str(two), batch=4, earlier="resume")
    resumed = command(config, "--accelerate-config", "cpu2", "--resume")
    assert resumed.returncode == 0
    assert losses(two) == pytest.approx(losses(one), abs=1e-5)
    assert apart(one, two) < 1e-5


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_ask_a_reference_beforehand_and_prefer_as_one(trained: Path, tmp_path: Path) -> None:
    settings = tiny_settings("dpo", trained, tmp_path) | {"sft_weight": 1.0, "reference": "precomputed"}
    one = train("dpo", settings, batch=8)
    two = tmp_path / "two"
    config = tmp_path / "dpo.yaml"
    config.write_text(yaml.safe_dump(settings | {"out": str(two), "batch": 2, "accumulation": 2}))
    assert command(config, "--accelerate-config", "cpu2", kind="dpo").returncode == 0
    assert losses(two) == pytest.approx(losses(one), abs=1e-5)
    assert apart(one, two) < 1e-5


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_error_that_all_processes_come_to_is_said_once(tmp_path: Path) -> None:
    config = tmp_path / "sft.yaml"
    config.write_text(yaml.safe_dump(tiny_settings("sft", None, tmp_path) | {"max_length": 8}))
    refused = command(config, "--accelerate-config", "cpu2")
    assert refused.returncode == 2
    (line,) = [line for line in refused.stderr.splitlines() if line.startswith("longthought: ")]
    assert "more than max_length 8" in line
    assert "Traceback" not in refused.stderr
