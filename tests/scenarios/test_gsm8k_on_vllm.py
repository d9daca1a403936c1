"""The shipped GSM8K scenario on a real vLLM, served and in process: whatever the model talks, every debate ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.vllm_server import SERVED, vllm_server
from longthought.agents.models.embedded import embedded_path
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts

pytest.importorskip("vllm")
pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]

PROBLEMS = 32
CONTEXT = 2048
#: What the console script does.
COMMAND = [sys.executable, "-c", "from longthought.scenarios.cli import main; main()"]
#: Small enough for two cores; a verdict of 200 bytes must fit.
SMALL = ("budget.turns=5", "seats.policy.max_tokens=40", "seats.critic.max_tokens=220")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("vllm") / "server.log"
    with vllm_server(embedded_path("lm"), log, "--max-model-len", str(CONTEXT)) as base_url:
        yield base_url


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in GSM8K's format, with what real files have in them: calculator marks, Unicode, long numbers."""
    file = tmp_path_factory.mktemp("gsm8k") / "test.jsonl"
    with file.open("w", encoding="utf-8") as out:
        for i in range(PROBLEMS):
            boxes, each = 3 + i, 12 + 7 * i
            question = (
                f"Zoë’s shop gets {boxes} boxes with {each} pens in each. She sells half of them for $2 apiece "
                "and gives the rest away. How many dollars does she take in?"
            )
            dollars = boxes * each // 2 * 2
            worked = f"There are {boxes}*{each}=<<{boxes}*{each}={boxes * each}>>{boxes * each} pens.\n"
            out.write(json.dumps({"question": question, "answer": f"{worked}#### {dollars:,}"}) + "\n")
    return file


def longthought(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, as a user runs it."""
    environment = os.environ | {"COLUMNS": "200", "OMP_NUM_THREADS": "2"}
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def run_gsm8k(cwd: Path, problems: Path, *sets: str) -> list[Transcript]:
    """The transcripts of a run that must have gone well to its end."""
    arguments = [word for each in (f"dataset.path={problems}", *SMALL, *sets) for word in ("--set", each)]
    ended = longthought("run", "gsm8k", "--max-connections", "16", *arguments, cwd=cwd)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert "Traceback" not in ended.stderr
    assert f"{PROBLEMS}/{PROBLEMS} done" in ended.stderr
    manifest: dict[str, Any] = json.loads((cwd / "runs/gsm8k/manifest.json").read_text())
    transcripts = list(read_transcripts(cwd / "runs/gsm8k"))
    assert manifest["status"] == "finished"
    assert sum(manifest["outcomes"].values()) == PROBLEMS == len(transcripts)
    assert Counter(transcript.outcome.group for transcript in transcripts) == manifest["outcomes"]
    return transcripts


def assert_all_went_as_it_should(transcripts: Sequence[Transcript]) -> None:
    """No crash, no lost attempt, and the grammar held for every verdict."""
    for transcript in transcripts:
        kind = transcript.outcome.kind
        assert kind not in ("error:seat", "error:model"), transcript.outcome
        assert transcript.failed_attempts == 0
        assert transcript.calls["policy"] >= 1
        assert transcript.usage["policy"].completion > 0
    # A verdict that the grammar shaped can still be cut, name a step that is not there, or claim an answer that is not.
    complaints = Counter(a.complaint for t in transcripts for a in t.asked_again if a.seat == "critic")
    allowed = ("the reply was cut", "backtrack to", "backtrack needs a step number", "no answer stands")
    assert [words for words in complaints if not words.startswith(allowed)] == []
    assert sum(len(transcript.judgements) for transcript in transcripts) >= PROBLEMS // 2


def test_sixteen_debates_at_once_on_a_server(served: str, problems: Path, tmp_path: Path) -> None:
    transcripts = run_gsm8k(
        tmp_path, problems, f"models.served.model={SERVED}", f"models.served.base_url={served}"
    )
    assert_all_went_as_it_should(transcripts)


def test_whatever_nonsense_the_model_talks(served: str, problems: Path, tmp_path: Path) -> None:
    """Both seats as hot as vLLM lets them, each on a thread of its own, with dead branches pruned."""
    transcripts = run_gsm8k(
        tmp_path,
        problems,
        f"models.served.model={SERVED}",
        f"models.served.base_url={served}",
        "seats.policy.temperature=2.0",
        "seats.critic.temperature=2.0",
        "context=per_seat",
        "memory=path",
        "on_wrong_answer=tell",
    )
    assert_all_went_as_it_should(transcripts)
    assert len({judged.decision.kind for t in transcripts for judged in t.judgements}) >= 2


def test_the_doctor_finds_nothing_wrong(served: str, tmp_path: Path) -> None:
    ended = longthought("doctor", served, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "warn" not in ended.stdout
    assert "fail" not in ended.stdout
    assert "replies keep to a choice of words" in ended.stdout
    assert f"{CONTEXT} tokens, as the endpoint lists it" in ended.stdout


def test_the_same_with_the_engine_in_process(problems: Path, tmp_path: Path) -> None:
    model = f"{{engine: vllm, model: embedded, max_model_len: {CONTEXT}}}"
    transcripts = run_gsm8k(tmp_path, problems, f"models.served={model}")
    assert_all_went_as_it_should(transcripts)
