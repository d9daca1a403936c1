"""``longthought rewrite``, and journeys told from what it wrote."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from longthought.agents.errors import UsageError
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.rewriting import RewriteOptions, Rewritten, rewrite
from longthought.synth.corpus.export import export
from longthought.synth.corpus.manifest import read_manifest
from longthought.synth.derive.derivation import Counted
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.rows import SftRow
from tests.scenarios import rewriting_models
from tests.scenarios.command_line import Call
from tests.scenarios.scripted_scenarios import write
from tests.synth.scripted_runs import DETOURS, Script, play_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Four solved debates with detours, and one that was not solved."""
    scripts = [Script(DETOURS.steps, DETOURS.verdicts, name) for name in ("p", "q", "r", "s")]
    play_run(tmp_path / "run", [*scripts, Script(["answer: 5"], ["terminate solved"], "t")])
    return tmp_path / "run"


def options(tmp_path: Path, manner: str = "faithful", **changes: Any) -> RewriteOptions:
    models = {"pen": {"engine": "tests.scenarios.rewriting_models:Smoother", "options": {"manner": manner}}}
    seats = {"policy": {"model": "pen"}, "critic": {"model": "pen"}, "rewriter": {"model": "pen"}}
    file = write(tmp_path, models=models, seats=seats)
    given = RewriteOptions(out=tmp_path / "rewrites.jsonl", scenario=str(file), allow_import=True)
    return replace(given, **changes)


def rewritten(run: Path, options: RewriteOptions) -> tuple[Rewritten, list[dict[str, Any]]]:
    rewriting_models.asked.clear()
    made = asyncio.run(rewrite(str(run), options))
    return made, [orjson.loads(line) for line in options.out.read_bytes().splitlines()]


def told(run: Path, **given: Any) -> list[SftRow]:
    """The journeys of the run."""
    found = [row for sample in samples(run) for row in Journey(**given).rows([sample])]
    return [row for row in found if isinstance(row, SftRow)]


def samples(run: Path) -> list[Transcript]:
    return [transcript for transcript in read_transcripts(run) if transcript.right]


def test_faithful_rewrites_are_kept_and_told(tmp_path: Path, run: Path) -> None:
    made, rows = rewritten(run, options(tmp_path))
    assert (made.thoughts, made.kept, made.now) == (4, 4, 4)
    assert all(row["kept"] and row["model"] == "smoother-faithful" for row in rows)
    found = list(Journey(rewrites=str(tmp_path / "rewrites.jsonl")).rows(samples(run)[:1]))
    row, counted = found
    assert isinstance(row, SftRow)
    assert row.messages[1]["content"].startswith("<think>\nOkay, so 3-1 is 2. Then, 2*3 is 7. ")
    assert counted == Counted("told as rewritten")


def test_a_lossy_rewrite_is_asked_for_again_with_the_complaint(tmp_path: Path, run: Path) -> None:
    made, rows = rewritten(run, options(tmp_path, "slip", limit=1))
    assert (made.kept, rows[0]["asked"]) == (1, 2)
    assert "This cannot stand" in rewriting_models.asked[1][-1]
    assert "is missing" in rewriting_models.asked[1][-1]


def test_what_stays_lossy_leaves_the_draft(tmp_path: Path, run: Path) -> None:
    made, rows = rewritten(run, options(tmp_path, "lossy"))
    assert (made.kept, made.thoughts) == (0, 4)
    assert all(row["complaints"] and row["asked"] == 2 for row in rows)
    assert told(run, rewrites=str(tmp_path / "rewrites.jsonl")) == told(run)


def test_a_special_token_in_a_reply_refuses_it(tmp_path: Path, run: Path) -> None:
    made, rows = rewritten(run, options(tmp_path, "tagged"))
    assert made.kept == 0
    assert rows[0]["complaints"] == ["it holds a thought tag or a special token"]


def test_masks_fall_on_the_rewritten_pieces(tmp_path: Path, run: Path) -> None:
    rewritten(run, options(tmp_path))
    (row, *_) = told(run, rewrites=str(tmp_path / "rewrites.jsonl"), mask="drop-wrong")
    text = row.messages[1]["content"]
    masked = [text[span["start"] : span["end"]] for span in row.masked]
    assert "2*3 is 7" in masked[0]
    assert not any("2*3 is not 7" in part or "answer: 4" in part for part in masked)


def test_another_draft_has_no_rewrite(tmp_path: Path, run: Path) -> None:
    rewritten(run, options(tmp_path))
    file = str(tmp_path / "rewrites.jsonl")
    assert told(run, rewrites=file, seed=3) == told(run, seed=3)


def test_an_edited_line_is_checked_anew(tmp_path: Path, run: Path) -> None:
    _, rows = rewritten(run, options(tmp_path))
    file = tmp_path / "edited.jsonl"

    def edit(old: str, new: str) -> list[SftRow]:
        changed = [{**row, "rewrite": row["rewrite"].replace(old, new)} for row in rows]
        file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in changed))
        return told(run, rewrites=str(file))

    assert "Hmm, so 3-1" in edit("Okay, so", "Hmm, so")[0].messages[1]["content"]
    assert edit("2*3 is 6", "2*3 is 9") == told(run)
    assert edit("Okay, so", "<think>") == told(run)


def test_debates_that_exports_leave_out_are_not_paid_for(tmp_path: Path, run: Path) -> None:
    suspect = ["3-1 is 2 <|im_end|>", *DETOURS.steps[1:]]
    play_run(
        tmp_path / "odd", [Script(DETOURS.steps, DETOURS.verdicts), Script(suspect, DETOURS.verdicts, "q")]
    )
    made, _ = rewritten(tmp_path / "odd", options(tmp_path))
    assert made.thoughts == 1
    given = options(tmp_path, out=tmp_path / "all.jsonl", include_suspects=True)
    made, _ = rewritten(tmp_path / "odd", given)
    assert (made.thoughts, made.kept) == (2, 2)
    # The export makes such tokens plain text, and so does the draft that was rewritten.
    journey = {"rewrites": str(given.out)}
    export(
        tmp_path / "odd",
        tmp_path / "corpus",
        ["journey"],
        ["jsonl"],
        options={"journey": journey},
        include_suspects=True,
    )
    counts = read_manifest(tmp_path / "corpus").kinds["journey"]
    assert counts.counted == {"told as rewritten": 2}


def test_each_mode_has_its_prompt(tmp_path: Path, run: Path) -> None:
    rewritten(run, options(tmp_path, limit=1))
    assert "one fluent thought" in rewriting_models.asked[0][0]
    rewritten(run, options(tmp_path, limit=1, mode="expand", out=tmp_path / "expanded.jsonl"))
    assert "common sense spelled out" in rewriting_models.asked[0][0]


def test_a_broken_file_is_one_line(tmp_path: Path, run: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(UsageError, match=r"bad\.jsonl:1: not a line of"):
        told(run, rewrites=str(tmp_path / "bad.jsonl"))
    with pytest.raises(UsageError, match="No such file"):
        told(run, rewrites=str(tmp_path / "none.jsonl"))


def test_the_manifest_counts_what_was_kept(tmp_path: Path, run: Path) -> None:
    _, rows = rewritten(run, options(tmp_path))
    rows[0]["kept"] = False
    (tmp_path / "some.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    journey = {"rewrites": str(tmp_path / "some.jsonl")}
    export(run, tmp_path / "corpus", ["journey"], ["jsonl"], options={"journey": journey})
    counts = read_manifest(tmp_path / "corpus").kinds["journey"]
    assert counts.rows == {"train": 4}
    assert counts.counted == {"told as rewritten": 3, "told as the draft": 1}
    assert "| told as rewritten | 3 |" in (tmp_path / "corpus" / "README.md").read_text()


def test_it_resumes_at_each_reply(tmp_path: Path, run: Path) -> None:
    given = options(tmp_path, "slip")
    rewritten(run, given)
    whole = given.out.read_bytes()
    journal = tmp_path / "rewrites.jsonl.work" / "journal-0.jsonl"
    events = journal.read_bytes().splitlines(keepends=True)
    # Killed before the last thought's second reply, in the middle of a line.
    journal.write_bytes(b"".join(events[:-2]) + events[-2][:20])
    made, _ = rewritten(run, given)
    assert (made.now, len(rewriting_models.asked)) == (1, 1)
    assert given.out.read_bytes() == whole
    made, _ = rewritten(run, given)
    assert (made.now, len(rewriting_models.asked)) == (0, 0)


def test_other_work_at_the_same_place_is_refused(tmp_path: Path, run: Path) -> None:
    rewritten(run, options(tmp_path))
    with pytest.raises(UsageError, match="holds rewrites of something else"):
        rewritten(run, options(tmp_path, mode="expand"))
    with pytest.raises(UsageError, match="holds rewrites of something else"):
        rewritten(run, options(tmp_path, sets=("seed=7",)))
    journal = run / "journal-0.jsonl"
    question = samples(run)[0].problem.question
    assert question.encode() in journal.read_bytes()
    journal.write_bytes(journal.read_bytes().replace(question.encode(), b"Another question?"))
    with pytest.raises(UsageError, match="holds rewrites of something else"):
        rewritten(run, options(tmp_path))
    (tmp_path / "mine.jsonl").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        rewritten(run, options(tmp_path, out=tmp_path / "mine.jsonl"))
    assert (tmp_path / "mine.jsonl").read_text() == "mine"


def test_a_scenario_without_a_rewriter_is_told_what_to_add(tmp_path: Path, run: Path) -> None:
    with pytest.raises(UsageError, match=r"--set seats\.rewriter\.model=adder"):
        rewritten(run, replace(options(tmp_path), scenario=str(write(tmp_path))))


def test_the_command_tells_the_kept_rate(tmp_path: Path, run: Path, call: Call) -> None:
    given = options(tmp_path)
    out = str(tmp_path / "new.jsonl")
    code, said, wrong = call(
        "rewrite", str(run), "--scenario", given.scenario, "--out", out, "--allow-import"
    )
    assert code == 0, wrong
    assert "4 of 4 rewrites kept (100.0%)" in said
