"""Several sources in one corpus, their licences, and names and texts that try to be more than text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from longthought.agents.errors import UsageError
from longthought.protocols.transcript_files import write_transcripts
from longthought.synth.corpus.export import export
from longthought.synth.corpus.manifest import read_manifest
from longthought.synth.corpus.slug import slug
from longthought.synth.derive.kinds import KINDS
from longthought.synth.derive.shortcut import Shortcut
from tests.synth.corpus_files import lines, solved, write
from tests.synth.imported import one
from tests.synth.scripted_runs import DETOURS, play_run


def card_of(out: Path) -> tuple[dict[str, Any], str]:
    """The front matter and the body of a card."""
    front, _, body = (out / "README.md").read_text("utf-8").removeprefix("---\n").partition("\n---\n")
    return yaml.safe_load(front), body


def test_rows_of_several_runs_are_told_apart_by_their_run(tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", [solved("p", run="one"), solved("q", run="one")])
    two = write(tmp_path / "two.jsonl", [solved("p", run="two")])
    manifest = export([one, two], tmp_path / "out", ["shortcut"], ["jsonl"], licences=["MIT"])
    rows = lines(tmp_path / "out" / "shortcut" / "train.jsonl")
    assert [(row["run"], row["id"]) for row in rows] == [("one", "p#0"), ("one", "q#0"), ("two", "p#0")]
    assert [(source.run, source.debates) for source in manifest.sources] == [("one", 2), ("two", 1)]
    assert (manifest.debates, manifest.problems) == (3, 3)
    front, body = card_of(tmp_path / "out")
    assert (front["pretty_name"], front["license"]) == ("longthought corpus of one and two", "mit")
    assert "| `two` | `not named` | 1 |" in body


def test_two_sources_of_one_run_are_refused(tmp_path: Path) -> None:
    sources = [write(tmp_path / f"{name}.jsonl", [solved(name)]) for name in "ab"]
    with pytest.raises(UsageError, match=r"b\.jsonl: holds debates of run 'run', as .*a\.jsonl does"):
        export(sources, tmp_path / "out", ["shortcut"], ["jsonl"])
    with pytest.raises(UsageError, match="holds debates of run"):
        export([sources[0], sources[0]], tmp_path / "out", ["shortcut"], ["jsonl"])
    assert not (tmp_path / "out").exists()


def test_a_source_may_hold_several_runs_and_each_is_named_and_told_apart(tmp_path: Path) -> None:
    """As a file does that several files were imported into."""
    both = [solved("p", run="one"), solved("p", run="one", epoch=1), solved("q", run="two")]
    one = write(tmp_path / "imported.jsonl", both)
    manifest = export(one, tmp_path / "out", ["shortcut"], ["jsonl"])
    assert [(source.run, source.debates) for source in manifest.sources] == [("one", 2), ("two", 1)]
    assert card_of(tmp_path / "out")[0]["pretty_name"] == "longthought corpus of one and two"
    # The second run is as good a reason as the first, wherever it stands in the other source.
    two = write(tmp_path / "more.jsonl", [*(solved(f"r{at}", run="three") for at in range(70)), both[2]])
    with pytest.raises(
        UsageError, match=r"more\.jsonl: holds debates of run 'two', as .*imported\.jsonl does"
    ):
        export([one, two], tmp_path / "out", ["shortcut"], ["jsonl"])
    assert read_manifest(tmp_path / "out") == manifest


def test_samples_of_one_problem_are_paired_within_a_source(tmp_path: Path, run: Path) -> None:
    other = write(tmp_path / "other.jsonl", [solved("p", run="other")])
    manifest = export([run, other], tmp_path / "out", ["preference"], ["jsonl"])
    assert manifest.kinds["preference"].dropped == {"a problem without a right and a wrong sample": 1}
    assert {row["run"] for row in lines(tmp_path / "out" / "preference" / "train.jsonl")} == {run.name}


def test_a_source_without_debates_is_named(run: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(UsageError, match=r"empty\.jsonl: no finished debate"):
        export([run, tmp_path / "empty.jsonl"], tmp_path / "out", ["shortcut"], ["jsonl"])


@pytest.mark.parametrize(
    ("licences", "front"),
    [
        ([], {}),
        (["Apache-2.0"], {"license": "apache-2.0"}),
        (["mit", "cc-by-4.0", "mit"], {"license": ["mit", "cc-by-4.0"]}),
        (["mit", "Shop Terms v2: [x]"], {"license": "other", "license_name": "mit-and-shop-terms-v2-x"}),
    ],
)
def test_the_card_names_licences_as_the_hub_knows_them(
    run: Path, tmp_path: Path, licences: list[str], front: dict[str, Any]
) -> None:
    export(run, tmp_path / "out", ["shortcut"], ["jsonl"], licences=licences)
    found, body = card_of(tmp_path / "out")
    assert {key: found[key] for key in found if key.startswith("license")} == front
    assert ("No licence" in body) == (not licences)


def test_a_run_that_knows_its_licence_hands_it_on(run: Path, tmp_path: Path) -> None:
    scenario = {"dataset": {"kind": "file", "licence": "cc0-1.0"}}
    (run / "manifest.json").write_bytes(orjson.dumps({"name": "sums", "scenario": scenario}))
    manifest = export(run, tmp_path / "out", ["shortcut"], ["jsonl"], licences=["mit"])
    assert manifest.licences == ["mit", "cc0-1.0"]
    assert manifest.sources[0].licence == "cc0-1.0"


NASTY = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "---\nlicense: mit\n---",
    "!!python/object/apply:os.system [id]",
    'a: b: [c, {d: "e',
    "=cmd|'/c calc'!A0",
    "@SUM(1+1)*cmd",
    "../../etc/passwd",
    "| a | b |\n|---|---|",
    "![x](http://127.0.0.1:9/beacon)",
    "`$(touch /tmp/x)`",
    "\u202etxt.exe\u2028 \x1b[31m",
]


@pytest.mark.parametrize("nasty", NASTY)
def test_injections_stay_text(tmp_path: Path, nasty: str) -> None:
    debates = [solved(nasty, nasty, question=nasty, run=nasty, epoch=at, level=nasty) for at in (0, 1)]
    source = write(tmp_path / "t.jsonl", debates)
    out = tmp_path / "out"
    manifest = export(
        source,
        out,
        ["shortcut"],
        ["jsonl", "parquet", "sharegpt", "openai"],
        licences=[nasty],
        include_suspects=True,
        filters={"balance": {"by": "level", "cap": 1}},
    )
    (row,) = lines(out / "shortcut" / "train.jsonl")
    assert (row["problem"], row["run"], row["messages"][0]["content"]) == (nasty, nasty, nasty)
    # What is read back says what was put in, and nothing more.
    assert read_manifest(out) == manifest
    assert manifest.kinds["shortcut"].dropped == {f"balance: enough of {nasty}": 1}
    front, body = card_of(out)
    assert front["pretty_name"] == f"longthought corpus of {nasty}"
    assert front["configs"][0]["config_name"] == "shortcut"
    assert (front["license"], set(front)) == (
        "other",
        {"pretty_name", "license", "license_name", "size_categories", "tags", "configs"},
    )
    # In the body, every word of it stands in a code span of one line.
    assert "<script" not in body
    assert "<img" not in body
    for line in body.split("\n"):
        outside = "".join(line.split("`")[::2])
        assert "beacon" not in outside
        assert "alert" not in outside
        assert not line.startswith(("=", "@", "+", "-cmd"))
    (name,) = orjson.loads((out / "dataset_info.json").read_bytes())
    assert name == slug(nasty) + "_shortcut"
    assert all(file.resolve().is_relative_to(out) for file in out.rglob("*"))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out", "t.jsonl"]


@pytest.mark.parametrize("nasty", [*NASTY, "..", ".", "", "a/b", "C:\\x", "nul\0", "é" * 300])
def test_a_slug_is_one_plain_name(nasty: str) -> None:
    name = slug(nasty)
    assert name
    assert Path(name).name == name
    assert not name.startswith(".")
    assert name.isascii()
    assert len(name) <= 80


class Elsewhere(Shortcut):
    """A plug-in's kind."""


def test_a_kind_s_files_stay_in_the_corpus(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "../escaped: 1", Elsewhere)
    datasets = pytest.importorskip("datasets")
    out = tmp_path / "out"
    manifest = export(run, out, ["../escaped: 1"], ["jsonl"])
    assert set(manifest.files) == {"README.md", "escaped-1/train.jsonl"}
    rows = datasets.load_dataset(str(out), "escaped-1", cache_dir=str(tmp_path / "cache"))
    assert rows["train"].num_rows == 3
    monkeypatch.setitem(KINDS, "escaped: 1", Elsewhere)
    with pytest.raises(UsageError, match="would have one directory"):
        export(run, out, ["../escaped: 1", "escaped: 1"], ["jsonl"])


def test_the_card_says_what_is_imported_and_what_that_means(tmp_path: Path) -> None:
    row = {"question": "6*7?", "response": "<think>\n6*7=42\n</think>\n\n\\boxed{42}", "gold": "42"}
    imported = tmp_path / "theirs.jsonl.zst"
    write_transcripts(imported, [one(tmp_path, row)])
    play_run(tmp_path / "ours", [DETOURS])
    manifest = export([imported], tmp_path / "a", ["journey"], ["jsonl"])
    assert manifest.imported == manifest.debates == 1
    card = (tmp_path / "a" / "README.md").read_text()
    assert "from 1 imported thoughts and trees of others, in which decisions are guessed" in card
    assert "critic" not in card
    export([tmp_path / "ours"], tmp_path / "b", ["journey"], ["jsonl"])
    assert "imported" not in (tmp_path / "b" / "README.md").read_text()
    export([tmp_path / "ours", imported], tmp_path / "c", ["journey"], ["jsonl"])
    both = (tmp_path / "c" / "README.md").read_text()
    assert "from 1 debates between" in both
    assert "and 1 imported thoughts" in both
