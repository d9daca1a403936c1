"""judge, tamper, report and passports as a user meets them, on the scripted Countdown seats."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from longthought.synth.tamper.countdown import CountdownTamperer
from longthought.train.judging.passport import read_passport
from tests.scenarios.command_line import Call

Say = Callable[..., tuple[int, str]]
SMALL = ("--set", "dataset.size=20", "--set", "epochs=1")


@pytest.fixture
def say(call: Call) -> Say:
    """Runs the command line; exit code and everything it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        code, out, err = call(*arguments)
        return code, out + err

    return run


@pytest.fixture
def tampered(say: Say) -> Path:
    assert say("tamper", "countdown-teacher", "--out", "tampered", *SMALL)[0] == 0
    return Path("tampered") / "solutions.jsonl"


def test_a_critics_exact_recall_and_its_passport(say: Say, tampered: Path) -> None:
    counts = json.loads((tampered.parent / "tampered.json").read_text())
    assert set(counts) == {"right", *CountdownTamperer.kinds}
    miss = ("--set", "seats.critic.options.miss=0.25")
    code, said = say("judge", "countdown-teacher", "--data", str(tampered), "--out", "judged", *miss)
    assert code == 0, said
    passport = read_passport(Path("judged/passport.json"))
    assert passport.figures["false_alarms"].value == 0
    assert 0.1 < (passport.figures["misses"].value or 0) < 0.4
    assert {kind: cell.wrong for kind, cell in passport.by_kind.items()} == {
        kind: count for kind, count in counts.items() if kind != "right"
    }
    assert Path("judged/passport.svg").read_text().startswith("<?xml")
    # The same again asks nothing and says the same; another critic is refused the directory.
    before = Path("judged/journal-0.jsonl").read_bytes()
    assert say("judge", "countdown-teacher", "--data", str(tampered), "--out", "judged", *miss)[0] == 0
    assert Path("judged/journal-0.jsonl").read_bytes() == before
    assert read_passport(Path("judged/passport.json")).figures == passport.figures
    code, said = say("judge", "countdown-teacher", "--data", str(tampered), "--out", "judged")
    assert (code, "holds a meta-evaluation of something else" in said) == (2, True)


def test_a_scenario_can_demand_a_passport(say: Say, tampered: Path) -> None:
    perfect = ("--set", "seats.critic.options.miss=0")
    assert say("judge", "countdown-teacher", "--data", str(tampered), "--out", "judged", *perfect)[0] == 0
    place = f"seats.critic.passport={Path('judged/passport.json').resolve()}"
    wanted = (*SMALL, "--limit", "3", "--set", place)
    code, said = say("run", "countdown-teacher", *perfect, *wanted, "--set", "seats.critic.min_f1=0.99")
    assert code == 0, said
    manifest = json.loads(Path("runs/countdown-teacher/manifest.json").read_text())
    assert manifest["passport"]["step_f1"] == 1.0
    assert say("export", "countdown-teacher", "--out", "corpus", "--kinds", "journey")[0] == 0
    assert "passport, on `solutions.jsonl`: step f1 1.000" in Path("corpus/README.md").read_text()
    code, said = say("run", "countdown-teacher", *wanted, "--run-dir", "other")
    assert (code, "is of another critic" in said) == (2, True)
    worse = orjson.loads(Path("judged/passport.json").read_bytes())
    worse["figures"]["step_f1"]["value"] = 0.4
    Path("judged/passport.json").write_bytes(orjson.dumps(worse))
    code, said = say(
        "run",
        "countdown-teacher",
        *perfect,
        *wanted,
        "--set",
        "seats.critic.min_f1=0.5",
        "--run-dir",
        "other",
    )
    assert (code, "step F1 is 0.400 on solutions.jsonl, below 0.5" in said) == (2, True)
    assert not Path("other").exists()


def test_only_what_a_critic_misses_is_kept(say: Say) -> None:
    options = ("--kinds", "number,sign", "--missed-only", "--critic-of", "countdown-teacher", *SMALL)
    code, said = say(
        "tamper", "countdown-teacher", "--out", "none", *options, "--set", "seats.critic.options.miss=0"
    )
    assert code == 0, said
    assert json.loads(Path("none/tampered.json").read_text()) == {"right": 20}


def test_the_report_of_a_run(say: Say) -> None:
    assert say("run", "countdown-teacher", *SMALL, "--set", "seats.critic.options.miss=0")[0] == 0
    code, said = say("report", "countdown-teacher")
    assert code == 0, said
    assert "20 debates, judged against countdown-oracle" in said
    assert "0 (0.0% of the right thoughts)" in said
    assert "0 (0.0% of the wrong thoughts)" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("judge", "step-scorer", "--data", "none.jsonl"), "none.jsonl: no such file"),
        (("judge", "answer", "--data", "rows.jsonl"), "reads no steps"),
        (("judge", "no-such-thing", "--data", "rows.jsonl"), "no-such-thing"),
        (
            ("judge", "countdown", "--data", "rows.jsonl", "--set", "protocol=monologue"),
            "no critic to judge",
        ),
        (("tamper", "countdown", "--kinds", "typo", "--out", "x"), "there is no kind 'typo'"),
        (("tamper", "rows.jsonl", "--kinds", "wrong_unit", "--out", "x"), "no fault of the kinds wrong_unit"),
        (("tamper", "wrong.jsonl", "--out", "x"), "no solution whose steps are all labelled right"),
        (("tamper", "rows.jsonl", "--kinds", "repeated", "--missed-only", "--out", "x"), "--critic-of"),
        (("tamper", "gsm8k", "--out", "x", "--set", "dataset.path=sums.jsonl"), "for Countdown only"),
        (("report", "none"), "no such run"),
        (("run", "countdown", "--set", "seats.critic.min_f1=0.5"), "'min_f1' is a demand on a 'passport'"),
        (("run", "countdown", "--set", "seats.policy.passport=p.json"), "passports are of critics"),
        (("run", "countdown", "--set", "seats.critic.passport=/none/p.json"), "`longthought judge` makes"),
    ],
)
def test_bad_input_is_one_line(say: Say, arguments: tuple[str, ...], said: str) -> None:
    rows: list[dict[str, Any]] = [{"prompt": "q", "completions": ["a"], "labels": [True]}]
    Path("rows.jsonl").write_bytes(orjson.dumps(rows[0]) + b"\n")
    Path("wrong.jsonl").write_bytes(orjson.dumps({**rows[0], "labels": [False]}) + b"\n")
    Path("sums.jsonl").write_bytes(orjson.dumps({"question": "1+1", "answer": "#### 2"}) + b"\n")
    code, printed = say(*arguments)
    assert (code, len(printed.strip().splitlines())) == (2, 1), printed
    assert said in printed
    assert not Path("x").exists()
