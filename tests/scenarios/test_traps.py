"""Ill-posed problems and their twins, from the file to eval, show and export."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from longthought.agents.errors import UsageError
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import PACKED, read_transcripts
from longthought.scenarios.build import build
from longthought.scenarios.dataset_traps import TrapPairsSpec
from longthought.scenarios.datasets import load_problems
from longthought.scenarios.load import load_scenario
from longthought.scenarios.passports import critic_subject
from longthought.scenarios.problem_source import problems_of
from longthought.scenarios.run import RunOptions, run_scenario
from longthought.synth.corpus.export import export
from longthought.synth.derive.dialogue import Dialogue
from longthought.synth.derive.preference import Preference
from longthought.synth.derive.rows import PreferenceRow, SftRow
from longthought.train.trap_pairs import ALL, TrapFigures, trap_figures
from tests.scenarios.command_line import Call
from tests.scenarios.trap_seats import FLAW, OTHER_FLAW, ROWS, write_traps

REAL = Path(__file__).parents[3] / "shared" / "data" / "mathtrap" / "MathTrap_Public.json"


def played(directory: Path, critic: str, **changes: Any) -> list[Transcript]:
    """One run of the two traps and their twins, in the order trap, twin, trap, twin."""
    loaded = load_scenario(str(write_traps(directory, critic, **changes)), ())
    run = directory / "runs" / critic
    asyncio.run(run_scenario(loaded, RunOptions(run_dir=run, allow_import=True)))
    return list(read_transcripts(run))


def told(transcripts: list[Transcript]) -> list[str]:
    return [transcript.outcome.told for transcript in transcripts]


def test_a_critic_that_names_the_contradiction(tmp_path: Path) -> None:
    transcripts = played(tmp_path, "names")
    assert told(transcripts) == ["ill_posed (right)", "solved"] * 2
    assert all(transcript.right for transcript in transcripts)
    every = TrapFigures(traps=1, named=1.0, unscored=0.0, twins=1, twin_solved=1.0, both=1.0)
    assert trap_figures(transcripts) == {
        "Direct Contradiction": every,
        "Violating Common Sense": every,
        ALL: TrapFigures(traps=2, named=1.0, unscored=0.0, twins=2, twin_solved=1.0, both=1.0),
    }


def test_a_critic_that_solves_anyway(tmp_path: Path) -> None:
    transcripts = played(tmp_path, "solves")
    assert told(transcripts) == ["wrong", "solved"] * 2
    figures = trap_figures(transcripts)[ALL]
    assert (figures.named, figures.twin_solved, figures.both) == (0.0, 1.0, 0.0)


def test_a_critic_that_cries_ill_posed_everywhere(tmp_path: Path) -> None:
    transcripts = played(tmp_path, "cries", ill_posed={"judge": "seats"}, options={"judge": "No. [0]"})
    assert told(transcripts) == ["ill_posed (wrong)"] * 4
    figures = trap_figures(transcripts)[ALL]
    assert (figures.named, figures.twin_solved, figures.both) == (0.0, 0.0, 0.0)
    for row in Dialogue(seats="critic").rows(transcripts):
        assert not isinstance(row, SftRow), "nobody learns a wrong verdict"


@pytest.mark.parametrize(
    ("judge", "outcome"),
    [
        ("The same. [1]", "ill_posed (right)"),
        ("Not the same.\n**[0]**", "ill_posed (wrong)"),
        ("[1] but then, who knows", "ill_posed"),
        ("[2]", "ill_posed"),
        ("", "ill_posed"),
    ],
)
def test_the_judge_is_asked_where_the_rule_is_not_sure(tmp_path: Path, judge: str, outcome: str) -> None:
    transcripts = played(tmp_path, "hints", ill_posed={"judge": "seats"}, options={"judge": judge})
    assert told(transcripts) == [outcome, "solved"] * 2
    assert transcripts[0].calls["scorer"] == 1
    assert transcripts[0].usage["scorer"].prompt > 0


def test_without_a_judge_it_stays_unscored(tmp_path: Path) -> None:
    transcripts = played(tmp_path, "hints")
    assert told(transcripts) == ["ill_posed", "solved"] * 2
    figures = trap_figures(transcripts)[ALL]
    assert (figures.named, figures.unscored, figures.twin_solved) == (0.0, 1.0, 1.0)


def test_a_resumed_run_asks_the_judge_nothing_again(tmp_path: Path) -> None:
    before = played(tmp_path, "hints", ill_posed={"judge": "seats"})
    run = tmp_path / "runs" / "hints"
    (run / PACKED).unlink()
    journal = run / "journal-0.jsonl"
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    # As if it had been killed before a debate was closed.
    kept = [event for event in events if event["kind"] != "closed"]
    journal.write_text("".join(json.dumps(event) + "\n" for event in kept))
    loaded = load_scenario(str(tmp_path / "hints.yaml"), ())
    asyncio.run(run_scenario(loaded, RunOptions(run_dir=run, resume=True, allow_import=True)))
    assert list(read_transcripts(run)) == before
    assert sum(json.loads(line)["kind"] == "sampled" for line in journal.read_text().splitlines()) == sum(
        event["kind"] == "sampled" for event in events
    )


def test_thoughts_that_name_the_contradiction_are_exported(tmp_path: Path) -> None:
    played(tmp_path, "names")
    kinds = ("journey", "shortcut", "critic")
    export(tmp_path / "runs" / "names", tmp_path / "corpus", kinds, ["jsonl"])
    rows = {
        kind: [
            json.loads(line) for line in (tmp_path / "corpus" / kind / "train.jsonl").read_text().splitlines()
        ]
        for kind in kinds
    }
    for kind in ("journey", "shortcut"):
        first, twin, *_ = [row["messages"][-1]["content"] for row in rows[kind]]
        assert first.endswith(f"</think>\n\nAnswer: the problem is ill-posed: {FLAW.lower()}")
        assert FLAW.lower() in first.partition("</think>")[0]
        assert twin.endswith("</think>\n\nAnswer: 6")
        assert rows[kind][0]["outcome"] == "ill_posed"
    assert "Answer: 7" in rows["journey"][0]["messages"][-1]["content"], "a journey keeps its detours"
    assert "Answer: 7" not in rows["shortcut"][0]["messages"][-1]["content"]
    said = [row["messages"][-1]["content"] for row in rows["critic"]]
    assert said[:2] == [f"terminate ill_posed: {FLAW.lower()}", "terminate solved"]


def test_naming_it_is_preferred_to_an_answer(tmp_path: Path) -> None:
    right, wrong = played(tmp_path, "names")[0], played(tmp_path, "solves")[0]
    samples = [right, wrong.model_copy(update={"epoch": 1})]
    (row,) = (row for row in Preference().rows(samples) if isinstance(row, PreferenceRow))
    assert row.outcome == "ill_posed>wrong"
    assert FLAW.lower() in row.chosen[0]["content"]


def test_ordinary_problems_know_nothing_of_it(tmp_path: Path) -> None:
    rows = [{"question": row["original_problem"], "answer": "6"} for row in ROWS]
    (tmp_path / "plain.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = {"kind": "file", "path": "plain.jsonl", "scorer": "exact"}
    transcripts = played(tmp_path, "cries", dataset=dataset)
    assert told(transcripts) == ["ill_posed"] * 2
    assert trap_figures(transcripts) == {}
    journal = (tmp_path / "runs" / "cries" / "journal-0.jsonl").read_text()
    assert '"right"' not in journal
    assert '"seat":"scorer"' not in journal


def test_the_command_line_tells_of_traps(tmp_path: Path, call: Call) -> None:
    played(tmp_path, "names")
    code, out, _ = call("eval", "names")
    assert code == 0
    assert "names: traps" in out
    assert "Direct Contradiction" in out
    assert "100.0%" in out
    code, out, _ = call("show", "names")
    assert code == 0
    assert "ill_posed (right)" in out


def test_a_twin_shared_by_traps_is_played_once(tmp_path: Path) -> None:
    file = tmp_path / "traps.json"
    file.write_text(json.dumps([ROWS[0], {**ROWS[0], "trap_problem": "Another?"}, ROWS[1]]))
    spec = TrapPairsSpec(path=file, without_twin=(3,))
    problems = list(load_problems(spec, tmp_path))
    assert [p.id for p in problems] == ["traps-1", "traps-1-twin", "traps-2", "traps-3"]
    assert [p.metadata.get("twin") for p in problems] == ["traps-1-twin", None, "traps-1-twin", None]
    assert [p.gold for p in problems] == [FLAW, "6", FLAW, OTHER_FLAW]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "traps.json: not JSON: "),
        ("{}", "traps.json: a JSON array of rows is needed, not dict"),
        ("[1]", "traps.json:1: a JSON object is needed, not int"),
        ("[{}]", "traps.json:1: there is no column 'original_problem', only: none"),
        (json.dumps([{**ROWS[0], "trap_type": 3}]), "traps.json:1: column 'trap_type' must hold text"),
        (
            json.dumps([{**ROWS[0], "original_solution": "six"}]),
            "traps.json:1: column 'original_solution' ends in no answer",
        ),
    ],
)
def test_what_is_wrong_with_a_file_of_traps(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "traps.json").write_text(text)
    with pytest.raises(UsageError) as caught:
        list(load_problems(TrapPairsSpec(path=Path("traps.json")), tmp_path))
    assert said in str(caught.value)
    with pytest.raises(UsageError, match="there is no file"):
        list(load_problems(TrapPairsSpec(path=Path("none.json")), tmp_path))


def test_a_judge_has_to_be_a_model(tmp_path: Path) -> None:
    file = write_traps(tmp_path, "names", ill_posed={"judge": "seat"})
    with pytest.raises(UsageError, match=r"ill_posed\.judge: no model 'seat' under models"):
        load_scenario(str(file), ())


@pytest.mark.skipif(not REAL.is_file(), reason="the real data are not here")
def test_the_published_traps() -> None:
    problems = problems_of(load_scenario("mathtrap", [f"dataset.path={REAL}"]))
    traps = [problem for problem in problems if problem.metadata["ill_posed"]]
    assert len(traps) == 104
    assert len(problems) - len(traps) == 32
    assert sum(problem.metadata["twin"] is not None for problem in traps) == 85
    every = problems_of(load_scenario("mathtrap", [f"dataset.path={REAL}", "dataset.without_twin=[]"]))
    twins = [problem for problem in every if not problem.metadata["ill_posed"]]
    assert len(twins) == 40, "every original is stated once, and its solution ends in an answer"
    assert all(problem.gold for problem in twins)


def test_what_the_judge_of_contradictions_is_asked_with_is_part_of_the_run_and_not_of_the_critic(
    tmp_path: Path,
) -> None:
    loaded = load_scenario(str(write_traps(tmp_path, "names", ill_posed={"judge": "seats"})), ())
    unasked, asked = (build(loaded, each, allow_import=True) for each in ((), problems_of(loaded)))
    assert set(asked.prompts) - set(unasked.prompts) == {"scorer.judge"}
    # A critic is measured without problems, and its passport holds for these.
    assert critic_subject(loaded, unasked).hash == critic_subject(loaded, asked).hash
