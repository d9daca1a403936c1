from __future__ import annotations

import math
from pathlib import Path

import pytest

from longthought.agents.problems import Problem
from longthought.agents.rewards.countdown_scorer import CountdownScorer
from longthought.agents.rewards.countdown_step import CountdownStepRule
from longthought.agents.seats.countdown_scripted import CountdownOracle, CountdownSearcher
from longthought.protocols.debate import Debate
from longthought.protocols.journal import Journal
from longthought.protocols.runner import assignments, run_debates
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.synth.accounts import Account, account, truth_by_outcome, truth_by_rule
from tests.synth.scripted_runs import DETOURS, Script, play_run, transcript_of

PUZZLES = [
    Problem(
        id=str(target), question="q", scorer="countdown", metadata={"numbers": [29, 13, 2], "target": target}
    )
    for target in (32, 40, 44, 14, 18)
]


async def counted(directory: Path, debates: int, **oracle: float) -> Account:
    rules = Debate(CountdownSearcher(guess=0.8, slip=0.1), CountdownOracle(**oracle), CountdownScorer())
    directory.mkdir(exist_ok=True)
    journal = Journal(directory)
    await run_debates(assignments(PUZZLES, debates // len(PUZZLES), seed=1), rules, journal)
    journal.close()
    total, rule = Account(), CountdownStepRule(look_ahead=True)
    for transcript in read_transcripts(directory):
        total += account(transcript, await truth_by_rule(transcript, rule))
    return total


async def test_an_oracle_makes_no_mistake(tmp_path: Path) -> None:
    found = await counted(tmp_path, 100)
    assert (found.false_backtracks, found.missed_errors, found.spoiled) == (0, 0, 0)
    assert found.wrong > 50
    assert found.mended > 20
    assert found.useful_reflections > 5
    assert found.useless_reflections == 0


@pytest.mark.parametrize("rate", [0.1, 0.4])
async def test_known_error_rates_come_out(tmp_path: Path, rate: float) -> None:
    """Conclusions are judged without error, so only steps are counted on by the rates."""
    missing = await counted(tmp_path / "miss", 300, miss=rate)
    assert missing.missed_error_rate == pytest.approx(rate, abs=_four_sigma(rate, missing.wrong))
    assert missing.false_backtracks == 0
    alarmed = await counted(tmp_path / "alarm", 300, alarm=rate)
    assert alarmed.missed_errors == 0
    # A solved debate ends in a right conclusion, which is never doubted.
    steps = alarmed.right - sum(t.right for t in read_transcripts(tmp_path / "alarm"))
    assert alarmed.false_backtracks / steps == pytest.approx(rate, abs=_four_sigma(rate, steps))
    assert alarmed.spoiled > 0


def _four_sigma(rate: float, draws: int) -> float:
    return 4 * math.sqrt(rate * (1 - rate) / draws)


def test_every_count_of_one_debate(tmp_path: Path) -> None:
    transcript = transcript_of(tmp_path, DETOURS)
    # 1 "3-1 is 2", 2 "2*3 is 7" left for 1, 3 "2*3 is 6" reflected on by 4 and left for the problem, 5, 6 the answer
    found = account(transcript, {1: True, 2: False, 3: True, 5: False, 6: True})
    assert found == Account(right=3, wrong=2, missed_errors=1, useless_reflections=1, mended=1)
    found = account(transcript, {1: False, 2: False, 3: False, 5: True, 6: True})
    assert found == Account(right=2, wrong=1, missed_errors=1)
    found = account(transcript, {1: True, 2: True, 3: False, 5: True, 6: True})
    assert found == Account(right=4, wrong=1, false_backtracks=1, useful_reflections=1, spoiled=1)
    assert account(transcript, {}) == Account()


def test_a_wrong_path_is_counted_once_whatever_lies_between(tmp_path: Path) -> None:
    script = Script(
        ["2*3 is 7", "is it?", "7-3 is 4", "answer: 4"],
        ["reflect: look again", "continue", "continue", "terminate solved"],
    )
    transcript = transcript_of(tmp_path, script)
    assert [thought.kind for thought in transcript.thoughts][1] == "reflection"
    found = account(transcript, {1: False, 3: False, 4: False})
    assert found == Account(wrong=1, useless_reflections=1)


def test_answers_alone_tell_of_the_conclusion(tmp_path: Path) -> None:
    assert truth_by_outcome(transcript_of(tmp_path / "right", DETOURS)) == {6: True}
    wrong = Script(["answer: 5"], ["terminate solved"])
    transcript = transcript_of(tmp_path / "wrong", wrong)
    assert account(transcript, truth_by_outcome(transcript)) == Account(wrong=1, missed_errors=1)
    told = Script(
        ["answer: 5", "hm", "answer: 4"], ["terminate solved", "backtrack 0: no", "terminate solved"]
    )
    play_run(tmp_path / "told", [told], tell=True)
    (transcript,) = read_transcripts(tmp_path / "told")
    assert isinstance(transcript, Transcript)
    assert account(transcript, truth_by_outcome(transcript)) == Account(right=1, wrong=1, missed_errors=1)
