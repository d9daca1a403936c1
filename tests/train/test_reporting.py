"""Whom a training tells of its course: nobody, or those who are named, and they must be there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from longthought.agents.errors import UsageError
from longthought.train.arguments import prepare_libraries, trainer_arguments
from longthought.train.settings import SftSettings
from tests.train.tiny_trainings import losses, tiny_settings, train

#: What transformers asks of trackio, noted down in a file, and what TRL asks of it in later trainings of this process.
FAKE = """
from pathlib import Path
__version__ = "0.30.0"
config, told = {}, Path(__file__).with_name("told.txt")
def _tell(*words):
    with told.open("a") as out:
        print(*words, file=out)
def init(**settings): _tell("init", settings["project"], settings["name"], settings["space_id"])
def log(line): "loss" in str(line) and _tell("loss", line["train/loss"])
def finish(): _tell("finish")
class context_vars:
    class current_space_id:
        get = staticmethod(lambda: None)
    class current_run:
        get = staticmethod(lambda: None)
"""


def test_only_who_is_named_is_told(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "trackio"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(FAKE)
    monkeypatch.setattr(sys, "path", [str(package.parent), *sys.path])
    settings = tiny_settings("sft", trained, tmp_path, rows=8)
    train("sft", settings)
    assert not (package / "told.txt").exists()
    model = train("sft", settings, report_to="trackio", out=str(tmp_path / "told"))
    first, *lines, last = (package / "told.txt").read_text().splitlines()
    assert first == "init longthought told None"
    assert [float(line.split()[1]) for line in lines] == pytest.approx(losses(model), rel=1e-5)
    assert last == "finish"


def test_a_reporter_that_is_missing_is_named_before_anything_is_loaded(tmp_path: Path) -> None:
    settings = tiny_settings("sft", tmp_path / "no model", tmp_path, rows=2)
    with pytest.raises(
        UsageError, match="report_to: wandb is not installed; `pip install wandb` or leave it out"
    ):
        train("sft", settings, report_to="none,wandb")
    with pytest.raises(ValueError, match="report_to"):
        train("sft", settings, report_to="everybody")


def test_nothing_is_reported_or_uploaded_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.delenv(name, raising=False)
    settings = tiny_settings("sft", tmp_path, tmp_path, rows=2)
    nobody: tuple[object, ...] = ("none", None, [], "none,")
    for given in nobody:
        arguments = trainer_arguments(SftSettings.model_validate({**settings, "report_to": given}))
        assert arguments["report_to"] == "none"
        assert arguments["push_to_hub"] is False
        assert arguments["trackio_static_space_id"] is False
    prepare_libraries()
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == os.environ["DO_NOT_TRACK"] == "1"


def test_caches_are_bounded_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LRU_CACHE_CAPACITY", raising=False)
    monkeypatch.setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "7")
    prepare_libraries()
    assert os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == "7"
    assert int(os.environ["LRU_CACHE_CAPACITY"]) < 1024
