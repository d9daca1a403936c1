from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from pydantic import BaseModel

from longthought.agents.errors import UsageError
from longthought.synth.corpus.chat_formats import ChatFormat, writer
from longthought.synth.corpus.export import export
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import PreferenceRow, Row, SftRow, StepRow, UnpairedRow
from tests.synth.corpus_files import lines, solved, write

ABOUT: dict[str, Any] = {"id": "i", "problem": "p", "run": "r", "outcome": "solved", "informed": False}


def said(*roles: str) -> list[dict[str, str]]:
    return [{"role": role, "content": f"{role} {at}"} for at, role in enumerate(roles)]


def sft(*roles: str, trained: list[bool] | None = None, masked: list[Any] | None = None) -> SftRow:
    flags = [role == "assistant" for role in roles] if trained is None else trained
    return SftRow(**ABOUT, messages=cast("Any", said(*roles)), trained=flags, masked=masked or [])


def form(name: ChatFormat, row: Row) -> dict[str, Any] | str:
    """The record, or why there is none."""
    made = writer(name, type(row))(row)
    return made.reason if isinstance(made, Dropped) else made


def test_sharegpt_has_turns_of_human_and_gpt() -> None:
    assert form("sharegpt", sft("system", "user", "assistant", "user", "assistant")) == {
        "id": "i",
        "system": "system 0",
        "conversations": [
            {"from": "human", "value": "user 1"},
            {"from": "gpt", "value": "assistant 2"},
            {"from": "human", "value": "user 3"},
            {"from": "gpt", "value": "assistant 4"},
        ],
    }


@pytest.mark.parametrize(
    "row",
    [
        sft("user", "assistant", "assistant"),
        sft("user", "assistant", "user"),
        sft("assistant", "user"),
        sft("user", "system", "user", "assistant"),
    ],
)
def test_turns_that_do_not_alternate_have_no_sharegpt_form(row: SftRow) -> None:
    assert form("sharegpt", row) == "its turns go to and fro"


def test_a_loss_mask_is_never_lost() -> None:
    half = sft("user", "assistant", "user", "assistant", trained=[False, False, False, True])
    part = sft("user", "assistant", masked=[{"message": 1, "start": 0, "end": 3}])
    assert form("sharegpt", half) == form("sharegpt", part) == "it has no loss mask"
    assert form("openai", part) == "it cannot mask a part of a message"
    answers: dict[str, Any] = {"chosen": said("assistant"), "rejected": said("assistant")}
    for unlearned in ({"shared": 3}, {"chosen_finished": False}, {"rejected_finished": False}):
        fork = PreferenceRow(**ABOUT, prompt=cast("Any", said("user")), **answers, **cast("Any", unlearned))
        assert form("sharegpt", fork) == "it has no loss mask"
        assert form("openai", fork) == "it cannot mask a part of a message"
    record = form("openai", half)
    assert isinstance(record, dict)
    assert [message.get("weight") for message in record["messages"]] == [None, 0, None, 1]


def test_pairs_and_verdicts_on_single_answers() -> None:
    answers: dict[str, Any] = {"chosen": said("assistant"), "rejected": said("assistant")}
    pair = PreferenceRow(**ABOUT, prompt=cast("Any", said("user")), **answers)
    side = {"from": "gpt", "value": "assistant 0"}
    assert form("sharegpt", pair) == {
        "id": "i",
        "system": "",
        "conversations": [{"from": "human", "value": "user 0"}],
        "chosen": side,
        "rejected": side,
    }
    assert form("openai", pair) == {
        "input": {"messages": said("user"), "tools": [], "parallel_tool_calls": True},
        "preferred_output": said("assistant"),
        "non_preferred_output": said("assistant"),
    }
    begun = PreferenceRow(**ABOUT, prompt=cast("Any", said("user", "assistant")), **answers)
    assert form("sharegpt", begun) == form("openai", begun) == "its turns go to and fro"
    kto = UnpairedRow(
        **ABOUT, prompt=cast("Any", said("user")), completion=cast("Any", said("assistant")), label=False
    )
    record = form("sharegpt", kto)
    assert isinstance(record, dict)
    assert (len(record["conversations"]), record["label"]) == (2, False)


@pytest.mark.parametrize(
    ("name", "row"), [("sharegpt", StepRow), ("openai", StepRow), ("openai", UnpairedRow)]
)
def test_a_format_without_a_place_for_a_kind_says_so(name: ChatFormat, row: type[Row]) -> None:
    with pytest.raises(UsageError, match=f"its rows cannot be written as {name}"):
        writer(name, row)


class LlamaFactoryColumns(BaseModel, extra="forbid"):
    """The keys of ``columns`` in LLaMA-Factory's data/README.md that a ShareGPT file can have."""

    messages: str
    system: str
    chosen: str | None = None
    rejected: str | None = None
    kto_tag: str | None = None


def test_dataset_info_leads_to_files_with_the_columns_that_it_names(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    manifest = export(run, out, ["journey", "preference", "kto"], ["sharegpt"], validation=0.5)
    info: dict[str, Any] = orjson.loads((out / "dataset_info.json").read_bytes())
    assert {entry["file_name"] for entry in info.values()} == {
        name for name in manifest.files if name.endswith(".sharegpt.jsonl")
    }
    assert set(info) >= {"run_journey", "run_journey_validation", "run_preference", "run_kto"}
    for name, entry in info.items():
        columns = LlamaFactoryColumns.model_validate(entry["columns"])
        assert entry["formatting"] == "sharegpt"
        assert entry.get("ranking", False) == ("preference" in name)
        assert (columns.kto_tag is not None) == ("kto" in name)
        for record in lines(out / entry["file_name"]):
            assert columns.model_dump(exclude_none=True).keys() >= columns.model_fields_set
            assert {*columns.model_dump(exclude_none=True).values()} <= record.keys()


def test_datasets_loads_a_corpus_that_has_nothing_but_a_chat_format(run: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    out = tmp_path / "out"
    export(run, out, ["journey"], ["sharegpt"])
    rows = datasets.load_dataset(str(out), "journey", cache_dir=str(tmp_path / "cache"))["train"]
    assert rows.to_list() == lines(out / "journey" / "train.sharegpt.jsonl")


def test_rows_without_a_place_are_counted_and_stand_in_the_other_files(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    manifest = export(run, out, ["journey", "dialogue"], ["jsonl", "sharegpt"])
    counts = manifest.kinds["dialogue"]
    there = lines(out / "dialogue" / "train.sharegpt.jsonl")
    assert len(there) + sum(counts.left_out["sharegpt"].values()) == counts.rows["train"]
    assert counts.left_out["sharegpt"]["it has no loss mask"] > 0
    assert len(lines(out / "dialogue" / "train.jsonl")) == counts.rows["train"]
    assert manifest.kinds["journey"].left_out == {}
    assert "it has no loss mask" in (out / "README.md").read_text()
    with pytest.raises(
        UsageError, match="step_labels: its rows cannot be written as sharegpt; leave that format out"
    ):
        export(run, tmp_path / "steps", ["step_labels"], ["sharegpt"])


def test_shards_are_named_and_found_as_datasets_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from longthought.synth.corpus import parquet_shards
    from longthought.train.corpus import corpus_files, read_rows
    from longthought.train.settings import CorpusSettings

    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(parquet_shards, "_GROUP_ROWS", 4)
    source = write(tmp_path / "t.jsonl", [solved(f"p{at}", f"thought {at}") for at in range(10)])
    out = tmp_path / "out"
    export(source, out, ["shortcut"], ["parquet"], shard_bytes=1)
    names = [f"train-0000{at}-of-00003.parquet" for at in range(3)]
    assert sorted(file.name for file in (out / "shortcut").iterdir()) == names
    rows = datasets.load_dataset(str(out), "shortcut", cache_dir=str(tmp_path / "cache"))["train"]
    ids = [f"p{at}#0" for at in range(10)]
    assert rows["id"] == ids
    settings = CorpusSettings(path=out, kind="shortcut")
    assert [row.content["id"] for row in read_rows([settings])] == ids
    assert [file.name for file in corpus_files(settings)] == names
    limited = CorpusSettings(path=out, kind="shortcut", limit=5)
    assert [row.content["id"] for row in read_rows([limited])] == ids[:5]
    (out / "shortcut" / names[1]).unlink()
    with pytest.raises(UsageError, match=r"has 2 of 00003 files train-\*\.parquet"):
        corpus_files(settings)
