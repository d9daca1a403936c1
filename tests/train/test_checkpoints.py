"""Trainings that end early: what they leave, who may go on with it, and that going on changes nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
import torch
import yaml

from longthought.agents.errors import RunError, UsageError
from longthought.synth.corpus import replace_dir
from longthought.train import checkpoint_records, checkpoints
from longthought.train.checkpoints import is_finished, last_whole
from longthought.train.settings import SftSettings
from tests.train.tiny_trainings import apart, record, tiny_settings, train


class PowerCutError(Exception):
    """Ends a training where a test says so."""


def cut_after(step: int, kind: str, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Train until the power fails, at the end of a step; returns the directory of the checkpoints."""

    def fail(self: Any, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        if state.global_step == step:
            raise PowerCutError
        return original(self, args, state, control, **kwargs)

    original = checkpoint_records.CheckpointRecords.on_step_end
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_records.CheckpointRecords, "on_step_end", fail)
        with pytest.raises(PowerCutError):
            train(kind, settings)
    out = Path(settings["out"])
    assert not out.exists()
    return out.with_name(f"{out.name}-checkpoints")


def saving(kind: str, trained: Path, tmp_path: Path) -> dict[str, Any]:
    """Two epochs of four steps, the last of each smaller than the others, and a checkpoint after every second step."""
    settings = tiny_settings(kind, trained, tmp_path, rows=14)
    return {**settings, "epochs": 2, "save_steps": 2, "log_steps": 3}


@pytest.mark.parametrize(
    ("kind", "step"),
    [("sft", 3), ("sft", 5), ("dpo", 7), ("kto", 5), ("prm", 6), ("grpo", 3), ("grpo", 5), ("grpo", 7)],
)
def test_a_resumed_training_ends_as_a_straight_one(
    kind: str, step: int, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = saving(kind, trained, tmp_path)
    straight = train(kind, settings)
    cut = settings | {"out": str(tmp_path / "cut")}
    cut_after(step, kind, cut, monkeypatch)
    resumed = train(kind, cut, earlier="resume")
    assert apart(straight, resumed) == 0
    assert record(straight)["log"] == record(resumed)["log"]
    assert [line["step"] for line in record(resumed)["log"]] == [2, 3, 4, 6, 8]
    assert record(straight)["mean_loss"] == record(resumed)["mean_loss"]
    assert record(straight)["tokens_seen"] == record(resumed)["tokens_seen"]


def test_solutions_that_are_learned_again_are_not_cut_off(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = saving("grpo", trained, tmp_path) | {"num_iterations": 2, "epochs": 1}
    straight = train("grpo", settings)
    cut = settings | {"out": str(tmp_path / "cut")}
    cut_after(5, "grpo", cut, monkeypatch)
    assert apart(straight, train("grpo", cut, earlier="resume")) == 0
    with pytest.raises(ValueError, match=r"save_steps, 3, must be a multiple of num_iterations, 2"):
        train("grpo", settings, save_steps=3)


@pytest.mark.parametrize(
    ("length", "steps"),
    [
        ({"max_steps": 3}, 3),
        ({"max_steps": 3, "save_steps": 3}, 3),
        ({"epochs": 1}, 4),
        ({"epochs": 1.5}, 6),
        ({"epochs": 1.5, "scheduler": "cosine"}, 6),
    ],
)
def test_a_training_that_ended_before_its_model_was_written_takes_no_step_more(
    length: dict[str, Any], steps: int, trained: Path, tmp_path: Path
) -> None:
    settings = saving("sft", trained, tmp_path) | {"save_steps": 1, "scheduler": "constant", **length}
    straight = train("sft", settings).rename(tmp_path / "straight")
    resumed = train("sft", settings, earlier="resume")
    assert record(resumed)["steps"] == record(straight)["steps"] == steps
    assert record(resumed)["log"] == record(straight)["log"]
    assert apart(straight, resumed) == 0


def test_every_checkpoint_says_what_made_it_and_holds_no_pickled_settings(
    trained: Path, tmp_path: Path
) -> None:
    settings = saving("sft", trained, tmp_path)
    model = train("sft", settings)
    kept = sorted((tmp_path / "model-checkpoints").glob("checkpoint-*"))
    assert [place.name for place in kept] == ["checkpoint-6", "checkpoint-8"]
    final = record(model)
    for step, place in zip((6, 8), kept, strict=True):
        made = record(place)
        assert made["steps"] == step
        assert made["settings"]["seed"] == 0
        assert made["processes"] == 1
        assert len(made["code"].removesuffix("+changes")) == 40
        assert all(made[key] == final[key] for key in ("kind", "corpora", "versions", "identity"))
        card = (place / "README.md").read_text("utf-8")
        assert f"# model, step {step}" in card
        assert next(iter(made["corpora"].values())) in card
    everything = [*model.rglob("*"), *kept[0].parent.rglob("*")]
    assert {file.suffix for file in everything if file.is_file()} == {
        *(".md", ".json", ".jinja", ".safetensors"),
        *(".pt", ".pth"),
    }
    assert {file.name for file in everything if file.suffix in (".pt", ".pth")} == {
        *("optimizer.pt", "scheduler.pt", "rng_state.pth"),
    }


def test_half_a_checkpoint_is_passed_over(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = saving("sft", trained, tmp_path)
    place = cut_after(5, "sft", settings, monkeypatch)
    assert last_whole(place) == place / "checkpoint-4"
    weights = place / "checkpoint-4" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert last_whole(place) == place / "checkpoint-2"
    (place / "checkpoint-2" / "training.json").unlink()
    assert last_whole(place) is None
    again = train("sft", settings, earlier="resume")
    assert apart(again, train("sft", settings, out=str(tmp_path / "straight"))) == 0


def test_who_may_go_on_with_what(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = saving("sft", trained, tmp_path)
    place = cut_after(5, "sft", settings, monkeypatch)
    with pytest.raises(
        UsageError, match=r"stopped after step 4; go on with --resume, start afresh with --force-new"
    ):
        train("sft", settings)
    with pytest.raises(
        UsageError, match=r"another training \(learning_rate: 0.001 → 0.002\); change it back"
    ):
        train("sft", settings, earlier="resume", learning_rate=2e-3)
    rows = tmp_path / "corpus" / "dialogue" / "train.jsonl"
    exported = rows.read_bytes()
    rows.write_bytes(exported.replace(b"backtrack", b"terminate"))
    with pytest.raises(UsageError, match=r"\(corpora.0.sha256: \[.*→ \["):
        train("sft", settings, earlier="resume")
    rows.write_bytes(exported)
    (tmp_path / "corpus" / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match=r"\(corpora.0.sha256: \[.*→ \["):
        train("sft", settings, earlier="resume")
    rows.write_bytes(b"".join(rows.read_bytes().splitlines(keepends=True)[:8]))
    train("sft", settings, earlier="set-aside")
    assert last_whole(tmp_path / "model-checkpoints.1") == tmp_path / "model-checkpoints.1" / "checkpoint-4"
    # What the finished training left stands in nobody's way, neither again nor with other settings.
    assert is_finished(SftSettings.model_validate(settings))
    for change in ({}, {"learning_rate": 2e-3}, {"earlier": "resume"}):
        train("sft", settings, overwrite=True, max_steps=2, save_steps=2, **change)
    assert [p.name for p in place.glob("checkpoint-*")] == ["checkpoint-2"]


def test_a_training_killed_before_its_place_was_marked_is_begun_again(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(directory: Path, record: dict[str, Any]) -> None:
        (directory / "training.json").write_bytes(orjson.dumps(record)[:99])
        raise PowerCutError

    def left(*_: Any, **__: Any) -> None:
        """As a kill leaves it: nobody clears up."""

    settings = saving("sft", trained, tmp_path)
    monkeypatch.setattr(shutil, "rmtree", left)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "write_record", half)
        with pytest.raises(PowerCutError):
            train("sft", settings)
    monkeypatch.undo()
    assert record(train("sft", settings, earlier="resume"))["steps"] == 8


def test_what_others_left_is_not_touched(trained: Path, tmp_path: Path) -> None:
    settings = saving("sft", trained, tmp_path)
    foreign = tmp_path / "model-checkpoints" / "checkpoint-4"
    foreign.mkdir(parents=True)
    (foreign / "optimizer.pt").write_bytes(b"somebody's")
    for earlier in ("refuse", "resume"):
        with pytest.raises(UsageError, match="holds no checkpoints of `longthought train`"):
            train("sft", settings, earlier=earlier)
    assert (foreign / "optimizer.pt").read_bytes() == b"somebody's"


@pytest.mark.parametrize("of", ["old", "new"])
def test_whenever_it_is_killed_while_a_model_is_replaced_a_whole_one_is_there(
    of: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = saving("sft", trained, tmp_path) | {"overwrite": True}
    train("sft", settings)
    other = settings | {"learning_rate": 2e-3}
    original = shutil.rmtree

    def fail(directory: Any, *args: Any, **kwargs: Any) -> None:
        place = Path(directory)
        if place.name in ("model", ".model.partial") and (place / "training.json").is_file():
            (place / "training.json").unlink()
            raise PowerCutError
        original(directory, *args, **kwargs)

    def refuse(*_: Any) -> bool:
        raise PowerCutError

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", fail)
        if of == "old":
            patch.setattr(replace_dir, "_exchanged", refuse)
        with pytest.raises(PowerCutError):
            train("sft", other)
    assert is_finished(SftSettings.model_validate(settings if of == "old" else other))
    resumed = train("sft", other, earlier="resume")
    assert apart(resumed, train("sft", other, out=str(tmp_path / "straight"))) == 0


def test_a_model_that_lost_bytes_is_not_finished(trained: Path, tmp_path: Path) -> None:
    settings = saving("sft", trained, tmp_path)
    model = train("sft", settings)
    (model / "notes.txt").write_text("of the user")
    assert is_finished(SftSettings.model_validate(settings))
    (model / "notes.txt").unlink()
    straight = shutil.copytree(model, tmp_path / "straight")
    (model / "model.safetensors").write_bytes(b"")
    with pytest.raises(UsageError, match="set overwrite: true"):
        train("sft", settings, earlier="resume")
    assert apart(train("sft", settings, earlier="resume", overwrite=True), straight) == 0


def test_every_file_of_a_model_is_on_the_disk_before_it_has_its_name(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = list[str]()
    original = os.fsync

    def noted(fd: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        original(fd)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("only Linux says which file a descriptor is of")
    monkeypatch.setattr(os, "fsync", noted)
    model = train("sft", tiny_settings("sft", trained, tmp_path))
    staging = tmp_path / ".model.partial"
    assert {str(staging), *(str(staging / file.name) for file in model.iterdir())} <= set(synced)
    assert synced[-2:] == [str(staging), str(tmp_path)]


def test_a_full_disk_is_one_line_and_leaves_the_model_that_was_there(trained: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="only Unix limits the size of a file")
    settings = tiny_settings("sft", trained, tmp_path) | {"overwrite": True}
    train("sft", settings)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(RunError, match=r"model: the model cannot be written: .*File too large"):
            train("sft", settings, learning_rate=2e-3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert is_finished(SftSettings.model_validate(settings))
    assert not (tmp_path / ".model.partial").exists()


def test_a_pickle_that_runs_code_is_refused(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (os.mkdir, (str(tmp_path / "ran"),))

    settings = saving("sft", trained, tmp_path)
    checkpoint = cut_after(5, "sft", settings, monkeypatch) / "checkpoint-4"
    torch.save({"state": Evil()}, checkpoint / "optimizer.pt")
    told = record(checkpoint)
    told["files"]["optimizer.pt"] = (checkpoint / "optimizer.pt").stat().st_size
    (checkpoint / "training.json").write_bytes(orjson.dumps(told))
    with pytest.raises(Exception, match=r"weights_only|Weights only"):
        train("sft", settings, earlier="resume")
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("wait", [0.0, 0.15, 0.4])
def test_a_killed_training_goes_on_from_the_command_line(trained: Path, tmp_path: Path, wait: float) -> None:
    settings = tiny_settings("sft", trained, tmp_path) | {
        "epochs": 60,
        "save_steps": 5,
        "batch": 8,
        "log_steps": 5,
    }
    straight = train("sft", settings)
    config = tmp_path / "sft.yaml"
    config.write_text(yaml.safe_dump(settings | {"out": str(tmp_path / "killed")}))
    command = [sys.executable, "-m", "longthought.scenarios.cli", "train", "sft", "--config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    place = tmp_path / "killed-checkpoints"
    while last_whole(place) is None:
        assert process.poll() is None
        time.sleep(0.002)
    time.sleep(wait)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    subprocess.run([*command, "--resume"], check=True, capture_output=True)
    assert apart(straight, tmp_path / "killed") == 0
    assert record(straight)["log"] == record(tmp_path / "killed")["log"]
    made = (tmp_path / "killed" / "model.safetensors").stat().st_mtime_ns
    again = subprocess.run([*command, "--resume"], check=True, capture_output=True, text=True)
    assert again.stdout.splitlines()[-1] == str(tmp_path / "killed")
    assert not again.stderr
    assert (tmp_path / "killed" / "model.safetensors").stat().st_mtime_ns == made
