"""What is counted of a run, in one reading of its transcripts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.load import load_scenario
from longthought.scenarios.report import count, overview
from longthought.scenarios.run import RunOptions, run_scenario
from longthought.scenarios.summary import summarise
from tests.synth.scripted_runs import DETOURS, play_run


@pytest.fixture(scope="module")
def puzzles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of Countdown, which has a rule."""
    run = tmp_path_factory.mktemp("runs") / "puzzles"
    loaded = load_scenario("countdown-teacher", ["dataset.size=3", "epochs=2"])
    asyncio.run(run_scenario(loaded, RunOptions(run_dir=run)))
    return run


@pytest.fixture(scope="module")
def sums(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of problems that have none."""
    run = tmp_path_factory.mktemp("runs") / "sums"
    play_run(run, [DETOURS])
    return run


async def test_one_reading_tells_what_several_did(puzzles: Path) -> None:
    once = (transcript for transcript in read_transcripts(puzzles))
    summary, counted, listed = await overview(once, judged=True, first=4)
    again = await count(str(puzzles))
    assert counted == again
    assert again.truth == "countdown-oracle"
    assert summary == summarise(read_transcripts(puzzles))
    assert [transcript.number for transcript in listed] == [0, 1, 2, 3]


async def test_every_problem_is_counted_by_the_best_truth_it_has(puzzles: Path, sums: Path) -> None:
    mixed: list[Transcript] = [*read_transcripts(sums), *read_transcripts(puzzles)]
    _, counted, _ = await overview(mixed, judged=True, first=0)
    assert counted is not None
    assert counted.truth == "the scorer's word on the answers and countdown-oracle"
    parts = [(await count(str(run))).account for run in (sums, puzzles)]
    assert counted.account.right == sum(part.right for part in parts)
    assert parts[0].right == 1  # of the thoughts of DETOURS the scorer knows the answer alone


async def test_without_a_critic_there_is_nothing_to_count(puzzles: Path) -> None:
    summary, counted, _ = await overview(read_transcripts(puzzles), judged=False, first=0)
    assert summary.debates == 6
    assert counted is None
