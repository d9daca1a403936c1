"""F1: a run killed at any point resumes to the same transcripts, and no finished call is made again."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from longthought.agents.errors import RunError, UsageError
from longthought.agents.models.contract import Sampling
from longthought.agents.models.scripted import ScriptedModel
from longthought.agents.problems import Problem
from longthought.agents.prompts import Prompts
from longthought.agents.seats.context import Context
from longthought.agents.seats.critic import CriticAgent
from longthought.agents.seats.policy import PolicyAgent
from longthought.protocols.debate import Debate
from longthought.protocols.journal import Journal, read_events
from longthought.protocols.runner import assignments, run_debates
from longthought.protocols.transcript_files import read_transcripts
from tests.protocols.killed_run import DEBATES, play_all
from tests.protocols.scripted_debates import LastWord


def _unkilled(seed: int, directory: Path) -> list[str]:
    asyncio.run(play_all(directory, seed, calls=None, pause=0.0))
    return [t.model_dump_json(exclude={"run"}) for t in read_transcripts(directory)]


def _kill_and_resume(seed: int, point: float, directory: Path) -> tuple[list[str], Counter[str], int]:
    """Transcripts after the resume, how often each call was made in all, and the calls in flight at the kill."""
    calls = directory / "calls.txt"
    calls.touch()
    command = [sys.executable, "-m", "tests.protocols.killed_run", str(directory), str(seed), str(calls)]
    environment = {**os.environ, "PYTHONPATH": "."}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it has begun
        time.sleep(point)
        process.send_signal(signal.SIGKILL)
    begun = Counter(line.split()[1] for line in calls.read_text().splitlines() if line.startswith("begin"))
    journalled = {
        event["data"]["key"]
        for file in directory.glob("journal-*.jsonl")
        for event in read_events(file)
        if event["kind"] == "sampled"
    }
    in_flight = sum(begun.values()) - len(journalled)
    subprocess.run([*command, "--no-pause"], env=environment, check=True, stdout=subprocess.DEVNULL)
    after = Counter(line.split()[1] for line in calls.read_text().splitlines() if line.startswith("begin"))
    transcripts = [t.model_dump_json(exclude={"run"}) for t in read_transcripts(directory)]
    return transcripts, after, in_flight


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("seed", "kills"), [(0, 3), *(pytest.param(seed, 20, marks=pytest.mark.slow) for seed in range(3))]
)
def test_killed_runs_resume_to_the_same_transcripts(seed: int, kills: int, tmp_path: Path) -> None:
    whole = _unkilled(seed, _new(tmp_path / "whole"))
    assert len(whole) == DEBATES
    points = random.Random(seed)
    for i in range(kills):
        directory = _new(tmp_path / f"killed-{i}")
        transcripts, calls, in_flight = _kill_and_resume(seed, points.uniform(0.0, 0.45), directory)
        assert transcripts == whole
        repeated = sum(times - 1 for times in calls.values())
        assert repeated <= in_flight


def _new(directory: Path) -> Path:
    directory.mkdir()
    return directory


async def test_a_finished_run_resumes_with_no_call(tmp_path: Path) -> None:
    await play_all(tmp_path, 3, calls=None, pause=0.0)
    log = tmp_path / "calls.txt"
    await play_all(tmp_path, 3, calls=log, pause=0.0)
    assert not log.exists() or log.read_text() == ""


def test_a_torn_tail_is_cut(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(0, "opened", {"x": 1})
    journal.close()
    with journal.file.open("ab") as out:
        out.write(b'{"debate":0,"at":1,"kind":"thou')
    again = Journal(tmp_path)
    again.write(0, "closed", {})
    again.close()
    assert [event["kind"] for event in read_events(journal.file)] == ["opened", "closed"]


def test_a_second_writer_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    with pytest.raises(UsageError, match=f"in use by process {os.getpid()}"):
        Journal(tmp_path)
    first.close()
    Journal(tmp_path).close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_stops_with_one_line_that_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    journal.write(0, "opened", {})
    full = os.open("/dev/full", os.O_WRONLY)
    real = os.write

    def write(fd: int, data: bytes) -> int:
        # Half of the line reaches the disk, the rest does not: the worst a full disk does.
        real(fd, data[: len(data) // 2])
        return real(full, data)

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(RunError, match=r"journal-0\.jsonl: No space left on device"):
        journal.write(0, "thought", {"text": "x" * 1000})
    monkeypatch.undo()
    os.close(full)
    journal.close()
    assert [event["kind"] for event in read_events(journal.file)] == ["opened"]


async def test_a_journal_of_other_replies_is_refused(tmp_path: Path) -> None:
    def rules(step: str) -> Debate:
        context = Context(Prompts("default"))

        def policy(messages: object, sampling: Sampling) -> str:
            return step

        def critic(messages: object, sampling: Sampling) -> str:
            raise RunError("stopped here")

        return Debate(
            PolicyAgent(ScriptedModel(policy, "p"), context),
            CriticAgent(ScriptedModel(critic), context),
            LastWord(),
        )

    todo = list(assignments([Problem(id="p", question="q", gold="4")], 1, 0))
    journal = Journal(tmp_path)
    with pytest.raises(RunError, match="stopped here"):
        await run_debates(todo, rules("a"), journal)
    journal.close()
    text = journal.file.read_text().replace('"text":"a"}', '"text":"b"}')
    journal.file.write_text(text)
    journal = Journal(tmp_path)
    with pytest.raises(RunError, match="cannot be resumed"):
        await run_debates(todo, rules("a"), journal)
    journal.close()


def test_json_is_exact(tmp_path: Path) -> None:
    asyncio.run(play_all(tmp_path, 0, calls=None, pause=0.0))
    for transcript in read_transcripts(tmp_path):
        line = transcript.model_dump_json(exclude_none=True)
        assert type(transcript).model_validate_json(line) == transcript
        assert "NaN" not in line
        assert json.loads(line)["number"] == transcript.number


async def test_a_transcript_names_its_protocol_and_a_journal_from_before_goes_on_without(
    tmp_path: Path,
) -> None:
    def rules() -> Debate:
        context = Context(Prompts("default"))
        return Debate(
            PolicyAgent(ScriptedModel(["answer: 4"], "p"), context),
            CriticAgent(ScriptedModel(["terminate solved"]), context),
            LastWord(),
        )

    todo = list(assignments([Problem(id="p", question="q", gold="4")], 1, 0))
    for directory, named in ((tmp_path / "new", "debate"), (tmp_path / "old", "")):
        directory.mkdir()
        journal = Journal(directory)
        if not named:
            opened = {
                "problem": todo[0].problem.model_dump(exclude_defaults=True),
                "epoch": 0,
                "seed": todo[0].seed,
            }
            journal.write(0, "opened", opened)
        await run_debates(todo, rules(), journal, name="debate")
        journal.close()
        (transcript,) = read_transcripts(directory)
        assert (transcript.protocol, transcript.right) == (named, True)
        assert len([e for e in read_events(journal.file) if e["kind"] == "opened"]) == 1
