"""``longthought eval`` from the command line: what it prints, writes, compares and refuses."""

from __future__ import annotations

import csv
import os
import stat
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from longthought.agents.errors import UsageError
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.eval_runs import EvalOptions, EvalRuns, seated
from tests.scenarios.command_line import Call
from tests.scenarios.long_thinkers import KEYS
from tests.scenarios.scripted_scenarios import scenario, write

QUESTIONS = [f"What is {i}+{i + 1}?" for i in range(6)]


@pytest.fixture
def thinks(tmp_path: Path) -> str:
    """A scenario of six sums, two levels, whose policy writes long thoughts."""
    rows = [
        {"question": question, "answer": str(2 * i + 1), "level": 1 + (i > 2)}
        for i, question in enumerate(QUESTIONS)
    ]
    (tmp_path / "sums.jsonl").write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    (tmp_path / "sums.yaml").write_text(yaml.safe_dump(scenario(**KEYS)))
    return "sums.yaml"


def _run(call: Call, thinks: str, name: str, gift: list[int]) -> None:
    gifts = f"models.mind.options.gift={gift}"
    code, _, err = call("run", thinks, "--allow-import", "--set", f"name={name}", "--set", gifts)
    assert code == 0, err


def _corpus(place: Path, messages: list[dict[str, str]]) -> Path:
    (place / "journey").mkdir(parents=True)
    (place / "journey" / "train.jsonl").write_bytes(
        orjson.dumps({"id": "a", "problem": "p", "messages": messages})
    )
    return place


def test_long_thoughts_are_told_apart_scored_and_counted(call: Call, thinks: str, tmp_path: Path) -> None:
    code, out, err = call("eval", thinks, "--allow-import", "--out", "found")
    assert code == 0, err
    told = orjson.loads((tmp_path / "found" / "eval.json").read_bytes())
    (run,) = told["arms"][0]["runs"]
    # 0, 2 and 4 are right, 1 and 5 wrong, 3 was cut, which is not wrong.
    assert run["accuracy"]["mean"] == pytest.approx(3 / 6)
    shares = {"right": 3, "wrong": 2, "cut": 1, "unscored": 0, "gave up": 0, "error": 0}
    assert run["ends"] == pytest.approx({end: count / 6 for end, count in shares.items()})
    assert "cut at a limit" in out
    # Each right one doubted a wrong answer, each wrong one a right answer.
    counts = {"gained": 3, "lost": 2, "kept": 0, "stayed": 0, "unknown": 0}
    assert {name: run["revisions"][name] for name in counts} == counts
    assert (run["revisions"]["lost_rate"], run["detoured"], run["tokens"]) == (
        1.0,
        pytest.approx(5 / 6),
        20.0,
    )
    assert {level: found["mean"] for level, found in run["by"]["level"].items()} == pytest.approx(
        {"1": 2 / 3, "2": 1 / 3}
    )
    with (tmp_path / "found" / "curve.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["by"], row["at"], row["tokens"]) for row in rows] == [
        ("votes", "1", "20.0"),
        ("allowance", "20", "20.0"),
    ]
    assert (tmp_path / "found" / "plot.svg").read_text().startswith("<?xml")
    kept = next(read_transcripts(tmp_path / "runs" / "sums-eval"))
    assert kept.thoughts[0].text.startswith("<think>\n")


def test_runs_of_several_seeds_are_one_arm(call: Call, thinks: str) -> None:
    for name, gift in (("a-1", [1]), ("a-2", [1, 5]), ("a-3", [5]), ("b-1", []), ("b-2", [1])):
        _run(call, thinks, name, gift)
    code, out, err = call("eval", "a-*", "--against", "b-1", "--against", "b-2", "--json")
    assert code == 0, err
    told = orjson.loads(out)
    assert [arm["mean"]["mean"] for arm in told["arms"]] == pytest.approx([13 / 18, 7 / 12])
    difference = told["difference"]
    assert difference["mean"] == pytest.approx(13 / 18 - 7 / 12)
    assert difference["low"] < 0 < difference["high"]
    assert "pairs" not in told
    _, out, _ = call("eval", "a-1", "a-2", "a-3", "--against", "b-*")
    assert "a, mean of 3" in out
    assert "a minus b, 3 and 2 runs over 6 problems: +13.9% (95 % " in out
    assert "over seeds and problems" in out
    code, _, err = call("eval", "c-*")
    assert (code, "c-*: no run has such a name" in err) == (2, True)


def test_fewer_problems_are_evaluated_and_checked_alone(call: Call, thinks: str, tmp_path: Path) -> None:
    assert call("eval", thinks, "--allow-import")[0] == 0
    corpus = _corpus(tmp_path / "corpus", [{"role": "user", "content": QUESTIONS[4]}])
    more = ["--limit", "2", "--trained-on", str(corpus)]
    code, out, err = call("eval", thinks, "--allow-import", "--json", *more)
    assert code == 0, err
    (run,) = orjson.loads(out)["arms"][0]["runs"]
    assert sorted(run["results"]) == ["sums-1", "sums-2"]
    assert (run["problems"], run["revisions"]["gained"], run["revisions"]["lost"]) == (2, 1, 1)
    code, out, err = call("eval", "sums-eval", "--json", *more)
    assert code == 0, err
    assert orjson.loads(out)["arms"][0]["runs"] == [run]


def test_what_was_set_aside_is_no_further_seed(call: Call, thinks: str) -> None:
    _run(call, thinks, "a-1", [])
    _run(call, thinks, "a-2", [1])
    code, _, err = call("run", thinks, "--allow-import", "--set", "name=a-1", "--force-new")
    assert code == 0, err
    code, out, err = call("eval", "a-*", "--json")
    assert code == 0, err
    told = orjson.loads(out)
    assert [run["run"] for run in told["arms"][0]["runs"]] == ["a-1", "a-2"]
    assert any("runs/a-1.1: was set aside by --force-new" in note for note in told["notes"])
    _, out, _ = call("eval", "a-1.*", "--json")
    assert [run["run"] for run in orjson.loads(out)["arms"][0]["runs"]] == ["a-1.1"]


def test_an_unfinished_run_is_marked(call: Call, thinks: str, tmp_path: Path) -> None:
    _run(call, thinks, "half", [])
    file = tmp_path / "runs" / "half" / "manifest.json"
    file.write_bytes(orjson.dumps({**orjson.loads(file.read_bytes()), "status": "cancelled"}))
    code, out, _ = call("eval", "half")
    assert (code, "half: is not finished (cancelled): only what ended is counted" in out) == (0, True)


def test_a_file_of_transcripts_is_evaluated(call: Call, thinks: str) -> None:
    _run(call, thinks, "whole", [])
    _, out, _ = call("eval", "whole", "--json")
    code, told, err = call("eval", "runs/whole/transcripts.jsonl.zst", "--json")
    assert code == 0, err
    found = orjson.loads(told)
    assert found["arms"][0]["mean"] == orjson.loads(out)["arms"][0]["mean"]
    assert found["notes"] == [
        "transcripts.jsonl.zst: no manifest, so what its models were trained on is not checked"
    ]


def test_a_scenario_is_found_behind_a_run_of_its_name(call: Call, tmp_path: Path) -> None:
    write(tmp_path).rename(tmp_path / "sums")
    assert call("run", "sums", "--allow-import")[0] == 0

    def arms(*more: str) -> list[str]:
        code, out, err = call("eval", "sums", "--allow-import", "--json", *more)
        assert code == 0, err
        return [arm["name"] for arm in orjson.loads(out)["arms"]]

    assert arms() == ["sums"]
    assert arms("--alone") == ["sums-eval", "sums-eval-alone"]
    assert arms("--limit", "1") == ["sums-eval"]
    code, _, err = call("eval", "runs/sums", "--set", "epochs=2")
    assert (code, err.count("\n")) == (2, 1)
    assert "runs/sums: is a run, made as it is: --alone and --set need a scenario" in err


def test_samples_vote(call: Call, thinks: str) -> None:
    _, out, _ = call("eval", thinks, "--allow-import", "--set", "epochs=3", "--json")
    told = orjson.loads(out)["arms"][0]["runs"][0]
    assert [(at["k"], at["tokens"]) for at in told["at_k"]] == [(1, 20.0), (2, 40.0), (3, 60.0)]
    # The model says the same each time, so neither votes nor more chances change anything.
    assert {at[what]["mean"] for at in told["at_k"] for what in ("pass", "maj")} == {0.5}


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": QUESTIONS[2]}],
        [
            {"role": "system", "content": "Solve."},
            {"role": "user", "content": "```\nwhat is  2+3? \n```\n\nP"},
        ],
    ],
)
def test_problems_of_the_corpus_are_refused(
    call: Call, thinks: str, tmp_path: Path, messages: list[dict[str, str]]
) -> None:
    corpus = _corpus(tmp_path / "corpus", messages)
    code, _, err = call("eval", thinks, "--allow-import", "--trained-on", str(corpus))
    assert code == 2
    assert "1 of its 6 problems were trained on" in err
    assert "--allow-seen" in err
    assert not (tmp_path / "runs").exists()
    _run(call, thinks, "seen", [])
    assert call("eval", "seen", "--trained-on", str(corpus))[0] == 2
    code, out, _ = call("eval", "seen", "--trained-on", str(corpus), "--allow-seen")
    assert (code, "1 of its 6 problems were trained on" in out) == (0, True)


def test_other_problems_are_not(call: Call, thinks: str, tmp_path: Path) -> None:
    longer = [{"role": "user", "content": f"{QUESTIONS[2]} And what is 3+4, then?"}]
    corpus = _corpus(tmp_path / "corpus", longer)
    code, out, _ = call("eval", thinks, "--allow-import", "--trained-on", str(corpus))
    assert (code, "none of its 6 problems is in" in out) == (0, True)
    code, _, err = call("eval", thinks, "--allow-import", "--trained-on", "nowhere")
    assert (code, "--trained-on nowhere: no corpus here" in err) == (2, True)


def _model(place: Path, corpora: list[Path], start: str = "gpt") -> Path:
    place.mkdir()
    settings = {"model": start, "corpora": [{"path": str(path), "kind": "journey"} for path in corpora]}
    (place / "config.json").write_text(f'{{"who": "{place.name}"}}')
    (place / "model.safetensors").touch()
    (place / "training.json").write_bytes(orjson.dumps({"settings": settings}))
    return place


def test_what_a_model_was_trained_on_is_found_by_its_record(call: Call, thinks: str, tmp_path: Path) -> None:
    corpus = _corpus(tmp_path / "corpus", [{"role": "user", "content": QUESTIONS[0]}])
    base = _model(tmp_path / "base", [corpus])
    tuned = _model(tmp_path / "tuned", [tmp_path / "gone"], str(base))
    runs = EvalRuns(EvalOptions(on=thinks))
    with pytest.raises(
        UsageError, match=r"1 of its 6 problems were trained on .*: sums-1; evaluate on others"
    ):
        runs.of([str(tuned)])
    assert runs.notes == [
        f"{os.path.relpath(tuned)} comes of {tmp_path / 'gone'}, gpt, not here (any more): "
        "what was learned there is not checked"
    ]


def test_what_a_runs_models_were_trained_on_is_found_too(
    call: Call, thinks: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = _corpus(tmp_path / "corpus", [{"role": "user", "content": QUESTIONS[0]}])
    _model(tmp_path / "tuned", [corpus])
    code, _, err = call("run", thinks, "--allow-import", "--set", "models.mind.model=tuned")
    assert code == 0, err
    code, _, err = call("eval", "sums")
    assert (code, "1 of its 6 problems were trained on" in err) == (2, True)
    code, out, _ = call("eval", "sums", "--allow-seen")
    assert (code, "1 of its 6 problems were trained on" in out) == (0, True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    code, out, _ = call("eval", str(tmp_path / "runs" / "sums"))
    assert (code, "tuned: no directory here, so what it was trained on is not checked" in out) == (0, True)


def test_problems_of_a_grpo_training_are_refused(call: Call, thinks: str, tmp_path: Path) -> None:
    tuned = _model(tmp_path / "tuned", [])

    def record(**problems: Any) -> None:
        settings: dict[str, Any] = {
            "model": "gpt",
            "corpora": [],
            "problems": {"scenario": thinks, **problems},
        }
        (tuned / "training.json").write_bytes(orjson.dumps({"kind": "grpo", "settings": settings}))

    record(limit=2)
    with pytest.raises(
        UsageError, match=r"2 of its 6 problems were trained on \(in sums\.yaml\): sums-1, sums-2;"
    ):
        EvalRuns(EvalOptions(on=thinks)).of([str(tuned)])
    record(scenario="gone.yaml")
    runs = EvalRuns(EvalOptions(on=thinks, allow_import=True))
    runs.of([str(tuned)])
    base, note = runs.notes
    assert base.startswith(f"{os.path.relpath(tuned)} comes of gpt, not here (any more)")
    assert note.startswith(
        f"{os.path.relpath(tuned)} was trained on problems that are not checked: gone.yaml:"
    )


def test_rows_of_token_ids_are_said_to_be_unchecked(call: Call, thinks: str, tmp_path: Path) -> None:
    place = tmp_path / "corpus" / "journey"
    place.mkdir(parents=True)
    (place / "train.jsonl").write_text(
        '{"id": "a", "problem": "p", "input_ids": [1, 2], "labels": [-100, 2]}\n'
    )
    code, out, err = call("eval", thinks, "--allow-import", "--trained-on", "corpus")
    assert code == 0, err
    assert "corpus holds token ids: its problems are not checked" in out
    assert "none of its" not in out


def test_a_model_is_seated_and_other_weights_are_another_run(tmp_path: Path, thinks: str, call: Call) -> None:
    first, other = (_model(tmp_path / name, []) for name in ("first", "other"))
    loaded, name = seated(str(first), thinks, ["epochs=2"])
    assert loaded.scenario.models["mind"].model == "first"
    assert (name.startswith("first-"), seated(str(other), thinks, [])[1].startswith("other-")) == (True, True)
    (first / "config.json").write_text("{}")
    assert seated(str(first), thinks, ["epochs=2"])[1] != name
    adapted = "models.mind={engine: vllm, model: gpt, lora: adapter}"
    served = seated(str(first), thinks, [adapted])[0].scenario.models["mind"]
    assert (served.model, served.lora) == ("first", None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"config\.json is missing"):
        seated(str(tmp_path / "empty"), thinks, [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name runs, scenarios, or, with --on, models"),
        (["sums.yaml", "--alone", "--against", "x"], "--alone: needs one scenario"),
        (["--harness", "lm-eval", "--model", "m"], "needs --model, --tasks and --base-url"),
        (["model", "--on", "nowhere.yaml"], "nowhere.yaml: no such scenario"),
        (["nowhere"], "nowhere: neither a run (`longthought list` shows them) nor a scenario"),
    ],
)
def test_wrong_use_is_one_line(call: Call, thinks: str, arguments: list[str], said: str) -> None:
    code, _, err = call("eval", *arguments)
    assert (code, err.count("\n")) == (2, 1)
    assert said in err


# --- the harness ------------------------------------------------------------------------------------------------------

_FAKE = """#!{python}
import json, os, pathlib, sys
said = sys.argv[1:]
out = pathlib.Path(said[said.index("--output_path") + 1]) / "served"
out.mkdir(parents=True, exist_ok=True)
results = {results}
(out / "results_2026-01-01T00-00-00.json").write_text(json.dumps(results))
(out / "said.json").write_text(json.dumps({{"arguments": said, "key": os.environ.get("OPENAI_API_KEY")}}))
sys.exit({code})
"""
#: In the layout of lm-eval 0.4.13, as it left it in a real run.
_RESULTS: dict[str, Any] = {
    "results": {
        "sums": {
            "alias": "sums",
            "name": "sums",
            "sample_len": 2,
            "exact_match,none": 0.5,
            "exact_match_stderr,none": 0.25,
            "acc,none": 1.0,
            "acc_stderr,none": "N/A",
        }
    },
    "n-samples": {"sums": {"original": 4, "effective": 2}},
}


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program ``lm_eval`` that notes what it is given and leaves results."""
    place = tmp_path / "bin"
    place.mkdir()
    program = place / "lm_eval"
    program.write_text(_FAKE.format(python=sys.executable, results=repr(_RESULTS), code=0))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(place))
    return program


def _harness(call: Call, *more: str) -> tuple[int, str, str]:
    Path("model").mkdir(exist_ok=True)
    for file in ("config.json", "model.safetensors"):
        Path("model", file).write_text("{}")
    given = ["--harness", "lm-eval", "--model", "model", "--tasks", "sums, gsm8k"]
    return call("eval", *given, "--base-url", "http://127.0.0.1:9/v1/", "--out", "found", *more)


def _said(tmp_path: Path, who: str = "model") -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(
        (tmp_path / "found" / f"lm-eval-{who}" / "served" / "said.json").read_bytes()
    )
    return found


def test_the_harness_is_given_our_server_and_its_results_are_read(
    call: Call, tmp_path: Path, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    code, out, err = _harness(call, "--limit", "2", "--harness-arg=--num_fewshot=0")
    assert code == 0, err
    said = _said(tmp_path)["arguments"]
    model_args = dict(each.split("=") for each in said[said.index("--model_args") + 1].split(","))
    assert said[: said.index("--model_args")] == ["--model", "local-completions"]
    assert model_args["base_url"] == "http://127.0.0.1:9/v1/completions"
    assert (model_args["model"], model_args["tokenizer"]) == ("model", "model")
    assert said[said.index("--tasks") + 1] == "sums,gsm8k"
    assert said[-3:] == ["--limit", "2", "--num_fewshot=0"]
    assert _said(tmp_path)["key"] == "secret"  # this machine's own
    assert "exact_match" in out
    assert "0.490" in out  # 1.96 standard errors
    scores = orjson.loads((tmp_path / "found" / "eval.json").read_bytes())["lm_eval"]
    told = [
        (score["task"], score["metric"], score["value"], score["error"], score["samples"]) for score in scores
    ]
    assert told == [("sums", "exact_match", 0.5, 0.25, 2), ("sums", "acc", 1.0, None, 2)]


def test_the_harness_asks_in_chats_and_of_a_name_of_its_own(call: Call, tmp_path: Path, fake: Path) -> None:
    assert _harness(call, "--chat", "--served-name", "mine")[0] == 0
    said = _said(tmp_path, "mine")["arguments"]
    assert (said[1], "--apply_chat_template" in said) == ("local-chat-completions", True)
    assert said[3].endswith(",think_end_token=</think>")
    assert "model=mine,base_url=http://127.0.0.1:9/v1/chat/completions," in said[3]


def test_keys_are_not_sent_to_servers_that_they_are_not_for(
    call: Call, tmp_path: Path, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert _harness(call, "--base-url", "http://elsewhere.example/v1")[0] == 0
    assert _said(tmp_path)["key"] is None


def test_a_harness_that_is_missing_fails_or_is_misused_is_one_line(
    call: Call, tmp_path: Path, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for more, said in (
        (["--harness-arg=--trust_remote_code"], "never run"),
        (["--harness-arg=--tru"], "never run"),
        (["--harness-arg=--tr=True"], "never run"),
        *(
            ([f"--harness-arg={each}"], f"{each.partition('=')[0]} is not passed on")
            for each in (
                "--config=mine.yaml",
                "--conf",
                "-C",
                "-Cmine.yaml",
                "--model_args=a=b",
                "-a",
                "-aa=b",
            )
        ),
        (["--served-name", "a,b"], "comma or an equals sign"),
    ):
        code, _, err = _harness(call, *more)
        assert (code, said in err) == (2, True)
    fake.write_text(_FAKE.format(python=sys.executable, results="{}", code=0))
    code, _, err = _harness(call)
    assert (code, "not the results of lm_eval" in err) == (1, True)
    fake.write_text(_FAKE.format(python=sys.executable, results=repr(_RESULTS), code=3))
    code, _, err = _harness(call)
    assert (code, "ended with 3" in err) == (1, True)
    fake.unlink()
    code, _, err = _harness(call)
    assert (code, "pip install 'lm-eval[api]'" in err) == (2, True)
