"""A debate's time is replayed as it was, without that between two runs; and nothing is written behind its end."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from longthought.agents.errors import UsageError
from longthought.agents.models.contract import Usage
from longthought.protocols import journal as journals
from longthought.protocols import tape as tapes
from longthought.protocols.budget import Budget
from longthought.protocols.debate import Debate
from longthought.protocols.journal import Journal, read_debates, read_events
from longthought.protocols.runner import assignments, run_debates
from longthought.protocols.tape import Tape
from longthought.protocols.transcript_files import read_transcripts
from tests.protocols.scripted_debates import debate, problem

STEPS = ["one", "two", "answer: 4"]
VERDICTS = ["continue", "continue", "terminate solved"]


class Watch:
    """Wall time that a test sets; every look at it takes a second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = 1000.0
        for module in (journals, tapes):
            monkeypatch.setattr(module, "now", self.look)

    def look(self) -> float:
        self.at += 1
        return self.at


async def _play(directory: Path, rules: Debate) -> None:
    journal = Journal(directory)
    await run_debates(assignments([problem()], 1, 0), rules, journal, 1)
    journal.close()


async def test_a_debate_that_hurried_hurries_again_when_it_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(monkeypatch)
    # Two events a thought and two a verdict: ten seconds are nearly over behind the second verdict.
    budget = Budget(seconds=10, conclude_at=0.8)
    rules, _, _ = debate(STEPS, VERDICTS, budget=budget)
    await _play(tmp_path, rules)
    (whole,) = read_transcripts(tmp_path)
    assert [thought.concluding for thought in whole.thoughts] == [False, False, True]
    file = tmp_path / "journal-0.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    for cut in range(1, len(lines)):
        file.write_bytes(b"".join(lines[:cut]))
        watch.at += 3600  # between the runs
        rules, _, _ = debate(
            STEPS[_kinds(lines[:cut], b'"seat":"policy"') :],
            VERDICTS[_kinds(lines[:cut], b'"seat":"critic"') :],
            budget=budget,
        )
        await _play(tmp_path, rules)
        assert list(read_transcripts(tmp_path)) == [whole]


def _kinds(lines: list[bytes], what: bytes) -> int:
    return sum(what in line for line in lines)


async def test_a_debate_resumed_twice_has_spent_what_it_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(monkeypatch)
    rules, _, _ = debate(STEPS, VERDICTS)
    await _play(tmp_path, rules)
    file = tmp_path / "journal-0.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:4]))
    for run in range(3):
        watch.at += 3600
        journal = Journal(tmp_path)
        _, past = journal.unfinished()
        tape = Tape(journal, 0, 0, past[0])
        assert tape.seconds == 0.0  # nothing is played again yet
        tape.record(f"new {run}", "sampled", {}, Usage())
        journal.close()
        # A second from each event to the next, but for "resumed", which says how long nobody played.
        events = [event for event in read_events(file) if event["kind"] != "resumed"]
        assert tape.seconds == len(events) - 1


def test_time_does_not_go_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    before = journals.now()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert journals.now() >= before


async def test_what_comes_back_behind_a_debates_end_is_not_journalled(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    tape = Tape(journal, 0, 0)
    tape.emit("opened", {})
    tape.emit("closed", {})
    tape.record("late", "sampled", {}, Usage(1, 1))
    tape.failed("late", 1, "busy", 0.0)
    journal.close()
    assert [event["kind"] for event in read_events(journal.file)] == ["opened", "closed"]
    assert not tape.usage


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b'{"debate":0,"at":\n'])
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    journal = Journal(tmp_path)
    journal.write(0, "opened", {})
    journal.close()
    with journal.file.open("ab") as out:
        out.write(line)
    with pytest.raises(UsageError, match=r"journal-0\.jsonl:.*not a journal event"):
        list(read_debates(tmp_path))
