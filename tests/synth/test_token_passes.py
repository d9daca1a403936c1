from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from longthought.agents.errors import UsageError
from longthought.scenarios.cli import app
from longthought.synth.corpus.export import export
from longthought.synth.corpus.manifest import read_manifest
from longthought.synth.tokens.labels import IGNORED
from longthought.synth.tokens.load import tokenizer_of
from longthought.synth.tokens.passes import Tokenize, VerifyTemplate
from tests.synth.scripted_runs import DETOURS, Script, play_run
from tests.synth.test_verify import DELETES, tokenizer


@pytest.fixture
def run(tmp_path: Path) -> Path:
    fake = Script(["2+2 <|end|> so", "answer: 4"], ["continue", "terminate solved"], "q")
    play_run(tmp_path / "run", [DETOURS, fake])
    return tmp_path / "run"


def rows(file: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in file.read_bytes().splitlines()]


def test_token_ids_with_the_mask_and_special_tokens_as_text(run: Path, tmp_path: Path) -> None:
    options = {"journey": {"mask": "drop-wrong"}}
    manifest = export(
        run,
        tmp_path / "out",
        ["journey", "step_labels"],
        options=options,
        passes=[Tokenize(model="embedded")],
        include_suspects=True,
        workers=2,
    )
    assert manifest.neutralised == 1
    embedded = tokenizer_of("embedded")
    detours, fake = rows(tmp_path / "out" / "journey" / "train.jsonl")
    assert set(detours) > {"input_ids", "labels", "tokenizer"}
    assert "messages" not in detours
    text = embedded.decode([label for label in detours["labels"] if label != IGNORED])
    assert "2*3 is not 7" in text
    assert "2*3 is 7" not in text
    assert embedded.decode(fake["input_ids"]).count("<|end|>") == 2
    assert "< |end|> so" in embedded.decode(fake["input_ids"])
    assert rows(tmp_path / "out" / "step_labels" / "train.jsonl")[0]["completions"]
    datasets: Any = import_module("datasets")
    loaded = datasets.load_dataset(str(tmp_path / "out"), "journey", split="train", cache_dir=str(tmp_path))
    assert loaded[0]["input_ids"] == detours["input_ids"]


def test_an_unproven_row_ends_the_export_and_the_old_corpus_stays(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    before = export(run, out, ["journey"])
    with pytest.raises(
        UsageError, match=r"export: journey row p#0: more tokens than --max-length 50: \d+; or "
    ):
        export(run, out, ["journey"], passes=[VerifyTemplate(model="embedded", max_length=50)])
    assert read_manifest(out) == before


def test_unproven_rows_can_be_left_out_and_are_counted(run: Path, tmp_path: Path) -> None:
    manifest = export(
        run,
        tmp_path / "out",
        ["journey", "shortcut"],
        passes=[VerifyTemplate(model="embedded", max_length=60, otherwise="drop")],
    )
    reason = "verify_template: more tokens than --max-length 60"
    assert manifest.kinds["journey"].dropped == {reason: 1}
    assert manifest.kinds["shortcut"].rows == {"train": 1}
    assert manifest.filters["verify_template"]["tokenizer"]


def test_a_template_that_deletes_thoughts_is_found_from_the_command_line(run: Path, tmp_path: Path) -> None:
    tokenizer(DELETES).save_pretrained(tmp_path / "deletes")
    deletes, out = str(tmp_path / "deletes"), str(tmp_path / "out")
    arguments = ["export", str(run), "--out", out, "--kinds", "journey"]
    failed = CliRunner().invoke(app, [*arguments, "--verify-template", deletes])
    assert isinstance(failed.exception, UsageError)
    assert "drops text of the answer, from '<think>'; export it with --tokenize" in str(failed.exception)
    made = CliRunner().invoke(app, [*arguments, "--tokenize", deletes])
    assert made.exit_code == 0, made.output
    (row, *_) = rows(tmp_path / "out" / "journey" / "train.jsonl")
    told = [label for label in row["labels"] if label != IGNORED]
    assert "3-1 is 2" in tokenizer_of(deletes).decode(told)


def test_the_table_says_why_rows_are_missing_and_options_go_together(run: Path, tmp_path: Path) -> None:
    arguments = ["export", str(run), "--out", str(tmp_path / "out"), "--kinds", "journey,kto,preference"]
    shown = CliRunner().invoke(app, arguments).output
    assert "1 a problem without a right and a wrong" in " ".join(shown.replace("│", " ").split())
    assert "1 suspect debates were left out" in shown
    for alone in (["--max-length", "9"], ["--unverified", "drop"]):
        failed = CliRunner().invoke(app, [*arguments, *alone])
        assert "are of --verify-template; name a model there" in str(failed.exception)
