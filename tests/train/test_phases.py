"""Two trainings in one file of settings: the second goes on where the first ended, and one model comes of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from longthought.agents.errors import UsageError
from longthought.synth.file_hash import file_hash
from longthought.train.checkpoint_records import CheckpointRecords
from longthought.train.checkpoints import is_finished
from longthought.train.settings import CriticSettings, SftSettings, load_settings
from longthought.train.sft import run_sft
from tests.train.tiny_corpora import CONFIG, sft_rows, shared_settings, write_corpus


class PowerCutError(Exception):
    pass


def record(model: Path) -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads((model / "training.json").read_bytes())
    return made


def two_phases(path: Path, **options: Any) -> dict[str, Any]:
    first = write_corpus(path / "format", "shortcut", sft_rows(4))
    second = write_corpus(path / "long", "journey", sft_rows(6))
    base = shared_settings(first, "shortcut", path / "model") | {"bf16": False, **options}
    del base["corpora"]
    return base | {
        "phases": [
            {"corpora": [{"path": str(first), "kind": "shortcut"}], "max_steps": 3, "scheduler": "constant"},
            {"corpora": [{"path": str(second), "kind": "journey"}], "max_steps": 2, "learning_rate": 1e-3},
        ]
    }


def test_two_phases_are_two_trainings_one_after_the_other(tmp_path: Path) -> None:
    given = two_phases(tmp_path)
    made = run_sft(SftSettings.model_validate(given))
    whole = record(made)
    (first,) = whole["phases"]
    assert [entry["step"] for entry in first["log"]] == [1, 2, 3]
    assert [entry["step"] for entry in whole["log"]] == [1, 2]
    assert {entry["learning_rate"] for entry in first["log"]} == {1e-2}
    assert whole["log"][0]["learning_rate"] <= 1e-3
    assert (first["rows"], whole["rows"]) == (4, 6)
    assert set(whole["corpora"]) > set(first["corpora"])
    assert whole["settings"]["phases"][1]["max_steps"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["format", "long", "model"]
    for digest in whole["corpora"].values():
        assert digest in (made / "README.md").read_text()


@pytest.mark.parametrize("options", [{}, {"lora": {"r": 2}}])
def test_phases_come_to_what_two_commands_come_to(
    tmp_path: Path, trained: Path, options: dict[str, Any]
) -> None:
    given = two_phases(tmp_path, model=str(trained), **options)
    made = run_sft(SftSettings.model_validate(given))
    first, second = given.pop("phases")
    one = run_sft(SftSettings.model_validate({**given, **first, "out": str(tmp_path / "one")}))
    two = {**given, **second, "model": str(one), "out": str(tmp_path / "two")}
    by_hand = run_sft(SftSettings.model_validate(two))
    assert file_hash(by_hand / "model.safetensors") == file_hash(made / "model.safetensors")
    assert record(made)["parameters"] == record(trained)["parameters"]


def test_a_bad_row_of_the_second_phase_is_seen_before_the_first_trains(tmp_path: Path) -> None:
    given = two_phases(tmp_path)
    rows = tmp_path / "long" / "journey" / "train.jsonl"
    rows.write_bytes(rows.read_bytes() + b'{"id": "bad", "messages": []}\n')
    with pytest.raises(UsageError, match=r"train\.jsonl row 7 \(bad\)"):
        run_sft(SftSettings.model_validate(given))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["format", "long"]
    rows.unlink()
    with pytest.raises(UsageError, match="has no journey/train"):
        run_sft(SftSettings.model_validate(given))


def test_what_the_last_phase_cannot_have_is_seen_before_the_first_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = two_phases(tmp_path)
    given["phases"][1]["lora"] = {"r": 2}
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(UsageError, match="lora: adapters cannot be merged"):
        run_sft(SftSettings.model_validate(given))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["format", "long"]


def test_a_phase_says_what_differs() -> None:
    corpora = [{"path": "a"}]
    settings = CriticSettings.model_validate(
        {
            "model": {"config": CONFIG},
            "corpora": corpora,
            "out": "there",
            "batch": 3,
            "phases": [{"epochs": 2}, {"batch": 5, "corpora": [{"path": "b", "limit": 9}]}],
        }
    )
    assert [(phase.epochs, phase.batch) for phase in settings.phases] == [(2, 3), (1, 5)]
    assert [corpus.kind for phase in settings.phases for corpus in phase.corpora] == ["critic", "critic"]
    assert [(str(corpus.path), corpus.limit) for corpus in settings.corpora] == [("a", None), ("b", 9)]
    assert CriticSettings.model_validate(settings.model_dump(mode="json")) == settings


@pytest.mark.parametrize(
    ("phases", "complaint"),
    [
        ("[{learning_rate: 0}]", r"phases\.0\.learning_rate: input should be greater than 0"),
        ("[{}, {epoch: 2}]", r"phases\.1\.epoch: no such key"),
        ("[{}, {out: b}]", r"phases\.1\.out is the same for all phases; set out beside phases"),
        ("[{phases: [{epochs: 2}]}]", r"phases\.0\.phases: a phase has none of its own"),
        ("[{corpora: []}]", r"corpora: list should have at least 1 item"),
        ("[{corpora: 3}]", r"phases\.0\.corpora: input should be a valid list"),
        ("[3]", r"phases\.0: input should be a valid dictionary"),
        ("3", r"phases: input should be a valid list"),
    ],
)
def test_a_wrong_phase_is_named(tmp_path: Path, phases: str, complaint: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(f"model: a\ncorpora: [{{path: a, kind: k}}]\nout: o\nphases: {phases}\n")
    with pytest.raises(UsageError, match=complaint):
        load_settings(file)


@pytest.mark.parametrize("steps", [2, 4])
def test_phases_that_were_stopped_go_on_and_end_the_same(
    tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    given = two_phases(tmp_path, model=str(trained), save_steps=1)
    straight = run_sft(SftSettings.model_validate(given))
    cut = given | {"out": str(tmp_path / "cut")}
    original = CheckpointRecords.on_step_end
    left = [steps]

    def fail(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not left[0]:
            raise PowerCutError
        left[0] -= 1
        return original(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(CheckpointRecords, "on_step_end", fail)
        with pytest.raises(PowerCutError):
            run_sft(SftSettings.model_validate(cut))
    with pytest.raises(UsageError, match=r"stopped after step [12]"):
        run_sft(SftSettings.model_validate(cut))
    resumed = SftSettings.model_validate(cut | {"earlier": "resume"})
    assert file_hash(run_sft(resumed) / "model.safetensors") == file_hash(straight / "model.safetensors")
    assert is_finished(resumed)
    # Killed before it had cleared up, it does so when it is gone on with, and trains nothing.
    remains = tmp_path / ".cut.phase-1"
    shutil.copytree(resumed.out, remains)
    (remains / "config.json").unlink()
    assert run_sft(resumed) == resumed.out
    assert not remains.exists()
    again = SftSettings.model_validate(cut | {"overwrite": True})
    assert run_sft(again) == resumed.out
