"""The command line as a user meets it: exit codes, one line of error, signals, and how quickly help comes."""

from __future__ import annotations

import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from longthought.protocols.transcript_files import read_transcripts
from tests.scenarios.command_line import Call
from tests.scenarios.scripted_scenarios import asked, write

ROOT = Path(__file__).parents[2]
#: What the console script does.
COMMAND = [sys.executable, "-c", "from longthought.scenarios.cli import main; main()"]


def test_help_comes_at_once() -> None:
    """Processor seconds of the whole process; the wall clock shows what else the machine is doing."""
    seconds: list[float] = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        shown = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert "doctor" in shown.stdout
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert statistics.median(seconds) <= 0.5


def test_launching_a_run_imports_only_what_it_needs() -> None:
    heavy = ("torch", "numpy", "matplotlib", "datasets", "transformers")
    code = f"import sys, longthought.scenarios.run\nprint([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_help_imports_nothing_heavy() -> None:
    heavy = ("torch", "autogen_core", "aiohttp", "openai", "datasets", "pydantic", "rich", "pygments")
    code = (
        "import sys\nfrom longthought.scenarios.cli import main\ntry:\n    main()\nexcept SystemExit:\n"
        f"    print([m for m in {heavy} if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("arguments", [["--help"], ["train"]])
def test_help_tells_each_command_in_a_whole_sentence(call: Call, arguments: list[str]) -> None:
    _, out, err = call(*arguments)
    told = (out + err).partition("Commands:")[2]
    assert "doctor" in told or "critic" in told
    assert "..." not in told


def test_run_show_list_and_export(call: Call, tmp_path: Path) -> None:
    write(tmp_path)
    code, out, err = call("run", "sums.yaml", "--allow-import", "--epochs", "1", "--limit", "3")
    assert code == 0
    assert "100.0% (3 of 3 solved)" in out
    assert "3/3 done" in err
    code, out, _ = call("show", "sums", "--debate", "1")
    assert code == 0
    assert "What is 1+2?" in out
    assert "→ terminate solved" in out
    code, out, _ = call("show", "runs/sums", "--limit", "2")
    assert "sums-1" in out
    assert "sums-3" not in out
    code, out, _ = call("list")
    assert "finished" in out
    assert "3/3" in out
    assert "countdown-searcher" in out
    code, out, _ = call("export", "sums", "--out", "corpus", "--kinds", "shortcut", "--formats", "jsonl")
    assert code == 0
    assert len((tmp_path / "corpus" / "shortcut" / "train.jsonl").read_text().splitlines()) == 3


def test_an_export_is_filtered_and_says_what_it_dropped(call: Call, tmp_path: Path) -> None:
    write(tmp_path)
    call("run", "sums.yaml", "--allow-import", "--epochs", "2", "--limit", "3")
    (tmp_path / "filters.yaml").write_text("exact:\n")
    (tmp_path / "test.csv").write_text("question\nWhat is 0+1?\n")
    given = ["export", "sums", "--out", "corpus", "--kinds", "shortcut", "--formats", "jsonl,sharegpt"]
    filtered = ["--filters", "filters.yaml", "--decontaminate", "test.csv", "--filter", "contamination.n=3"]
    code, out, err = call(*given, *filtered, "--show-dropped", "1", "--licence", "mit", "--workers", "1")
    assert code == 0, err
    assert len((tmp_path / "corpus" / "shortcut" / "train.jsonl").read_text().splitlines()) == 2
    assert "dropped from shortcut: exact: the same as a row before: sums-" in out
    assert "dropped from shortcut: contamination: shares 3 words in a row" in out
    assert "license: mit" in (tmp_path / "corpus" / "README.md").read_text()
    assert (tmp_path / "corpus" / "dataset_info.json").is_file()
    # Files of the command line come to those of the YAML file, and take no other's place.
    (tmp_path / "other.csv").write_text("question\nWhat is 0+2?\n")
    (tmp_path / "filters.yaml").write_text("contamination: {files: [other.csv], n: 3}\n")
    code, out, err = call(*given, *filtered[:4], "--show-dropped", "2", "--workers", "1")
    assert code == 0, err
    manifest = json.loads((tmp_path / "corpus" / "manifest.json").read_bytes())
    assert [file["name"] for file in manifest["filters"]["contamination"]["files"]] == [
        "other.csv",
        "test.csv",
    ]
    rows = (tmp_path / "corpus" / "shortcut" / "train.jsonl").read_text()
    assert "What is 0+1?" not in rows
    assert "What is 0+2?" not in rows


def test_a_scenario_with_code_of_its_own_is_evaluated_if_that_is_allowed(call: Call, tmp_path: Path) -> None:
    write(tmp_path)
    code, _, err = call("eval", "sums.yaml", "--limit", "2")
    assert code == 2
    assert "models.adder.engine" in err
    assert "add --allow-import" in err
    code, out, err = call("eval", "sums.yaml", "--limit", "2", "--alone", "--allow-import")
    assert code == 0, err
    assert "sums-eval minus sums-eval-alone, paired over 2 problems: +0.0%" in out
    # Runs that are there are read, and need no code.
    code, out, _ = call("eval", "sums-eval")
    assert code == 0
    assert "100.0%" in out


def test_a_dry_run_asks_and_writes_nothing(call: Call, tmp_path: Path) -> None:
    write(tmp_path)
    asked.clear()
    before = sorted(tmp_path.rglob("*"))
    code, out, _ = call(
        "run", "sums.yaml", "--allow-import", "--dry-run", "--set", "seats.critic.max_tokens=100"
    )
    assert code == 0
    assert "4 problems" in out
    assert "What is 0+1?" in out
    # 8 debates × 8 turns × 3 asks × 2 seats; the policy offers 1 + 4 + 4 replies a turn, the critic 3.
    assert f"at most {8 * 8 * 3 * 2:,}" in out
    assert f"at most {8 * 8 * (9 * 512 + 3 * 100):,}" in out
    assert "runs/sums" in out
    assert asked == []
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "nowhere.yaml"], "nowhere.yaml: no such scenario file"),
        (["run", "sums.yaml", "--set", "sed=1"], "did you mean 'seed'"),
        (["run", "sums.yaml"], "add --allow-import"),
        (["run", "sums.yaml", "--resume", "--force-new"], "choose one of them"),
        (["run", "sums.yaml", "--allow-import", "--run-dir", "sums.yaml"], "is a file"),
        (["show", "nowhere"], "nowhere: no such run"),
        (["show", "."], "no run here"),
        (["export", "nowhere", "--out", "x"], "nowhere: no such run"),
        (["export", "sums.jsonl", "--out", "x"], "sums.jsonl:1: not a transcript"),
        (
            ["export", "sums.jsonl", "--out", "x", "--filter", "length.max"],
            "should look like exact or length.max",
        ),
        (
            ["export", "sums.jsonl", "--out", "x", "--option", "journey.tags={"],
            "--option journey.tags={: not YAML",
        ),
        (
            ["export", "sums.jsonl", "--out", "x", "--option", "journey.seed=2024-13-45"],
            "--option journey.seed=2024-13-45: not YAML",
        ),
        (
            ["export", "sums.jsonl", "--out", "x", "--option", "journey"],
            "--option journey: should look like dialogue.context=shared",
        ),
        (
            ["export", "sums.jsonl", "--out", "x", "--option", "journey=3"],
            "--option journey=3: should look like dialogue.context=shared",
        ),
        (
            ["export", "sums.jsonl", "--out", "x", "--option", "journey.a=3", "--option", "journey.a.b=3"],
            "--option journey.a.b: journey.a is 3, which has no keys",
        ),
        (
            ["rewrite", "sums.jsonl", "--scenario", "sums.yaml", "--out", "x", "--option", "order"],
            "--option order: should look like order=dfs",
        ),
        (["export", "sums.jsonl", "--out", "x", "--filters", "no.yaml"], "filters: no.yaml: No such file"),
        (["doctor", "localhost:8000"], "should look like http://"),
        (["doctor", "http://127.0.0.1:1", "--api-key-env", "NO_SUCH_KEY"], "NO_SUCH_KEY is not set"),
        (["train", "sft", "--config", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    call: Call, tmp_path: Path, arguments: list[str], words: str
) -> None:
    write(tmp_path)
    code, out, err = call(*arguments)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("longthought: ")
    assert words in err


def test_an_unknown_option_is_exit_code_2(call: Call) -> None:
    assert call("run", "countdown", "--limt", "3")[0] == 2


def test_an_unreachable_server_is_one_line_and_exit_code_1(call: Call, tmp_path: Path) -> None:
    write(tmp_path, models={"adder": {"engine": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1"}})
    code, _, err = call("run", "sums.yaml")
    assert code == 1
    assert err.count("\n") == 1
    assert "models.adder.base_url: http://127.0.0.1:9/v1/models cannot be reached" in err
    assert not (tmp_path / "runs").exists()


def test_a_full_disk_is_one_line_and_the_run_goes_on_afterwards(tmp_path: Path, call: Call) -> None:
    """F9: a limit on the size of files stands for the disk; the manifest fits, the journal does not."""
    write(tmp_path)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); "
    ended = subprocess.run(
        [sys.executable, "-c", limit + COMMAND[-1], "run", "sums.yaml", "--allow-import"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    line = ended.stderr.splitlines()[-1]
    assert "runs/sums/journal-0.jsonl: No space left on device; the run is whole up to here" in line
    assert "Traceback" not in ended.stderr
    code, out, err = call("run", "sums.yaml", "--allow-import", "--resume")
    assert code == 0, err
    assert "100.0% (8 of 8 solved)" in out


def _start(directory: Path, model: str = "Adder") -> subprocess.Popen[str]:
    """A run of which each request takes 50 ms, once it has begun."""
    engine = f"tests.scenarios.scripted_scenarios:{model}"
    write(directory, 40, models={"adder": {"engine": engine, "options": {"pause": 0.05}}})
    process = subprocess.Popen(
        [*COMMAND, "run", "sums.yaml", "--allow-import", "--max-connections", "4"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    journal = directory / "runs" / "sums" / "journal-0.jsonl"
    deadline = time.monotonic() + 60
    while not (journal.is_file() and b'"closed"' in journal.read_bytes()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_first_signal_cancels_and_the_run_can_be_resumed(tmp_path: Path, call: Call, kind: int) -> None:
    """F2."""
    process = _start(tmp_path)
    process.send_signal(kind)
    started = time.monotonic()
    _, err = process.communicate(timeout=15)
    assert time.monotonic() - started <= 10
    assert process.returncode == 130
    assert "cancelled; go on with the same command and --resume" in err
    assert "Traceback" not in err
    told = json.loads((tmp_path / "runs" / "sums" / "manifest.json").read_text())
    assert told["status"] == "cancelled"
    assert 0 < sum(told["outcomes"].values()) < 80
    # The pause is part of the scenario, so resuming for real would take its time: what is there is enough.
    before = len(list(read_transcripts(tmp_path / "runs" / "sums")))
    code, _, err = call(
        "run", "sums.yaml", "--allow-import", "--resume", "--limit", "3", "--max-connections", "99"
    )
    assert code == 0, err
    assert len(list(read_transcripts(tmp_path / "runs" / "sums"))) >= before


def test_a_second_signal_ends_the_process_at_once(tmp_path: Path) -> None:
    process = _start(tmp_path, "Stubborn")
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
    # On a busy machine the first may not have been noticed yet.
    for _ in range(20):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.25)
    process.communicate(timeout=2)
    assert process.returncode == -signal.SIGINT


@pytest.mark.slow
def test_a_run_that_does_not_let_go_is_ended_after_ten_seconds(tmp_path: Path) -> None:
    process = _start(tmp_path, "Stubborn")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10.5)
    assert process.returncode == 130


def test_a_killed_run_is_listed_as_interrupted(tmp_path: Path, call: Call) -> None:
    process = _start(tmp_path)
    assert "running" in call("list")[1]
    process.kill()
    process.communicate(timeout=15)
    assert "interrupted" in call("list")[1]
