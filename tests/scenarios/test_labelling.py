"""``longthought label``: rollouts against an exact solver, resume, and the most convincing wrong solutions."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from longthought.agents.errors import UsageError
from longthought.scenarios.labelling import CONVINCING, LABELLED, LabelOptions, convincing, label
from longthought.scenarios.load import load_scenario
from longthought.scenarios.run import RunOptions, run_scenario
from longthought.synth.labelled.read import read_labelled
from longthought.synth.labelled.record import LabelledSolution
from longthought.train.judging.said import Said

#: Both seats are scripted: the policy slips and guesses, the critic misses some of it.
SCENARIO = "countdown-teacher"


def _play(directory: Path, *sets: str) -> Path:
    loaded = load_scenario(SCENARIO, ["dataset.size=40", "epochs=1", *sets])
    asyncio.run(run_scenario(loaded, RunOptions(run_dir=directory)))
    return directory


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _play(tmp_path_factory.mktemp("runs") / "teacher", "seats.policy.options.wish=0")


@pytest.fixture(scope="module")
def wrong_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The policy alone, whose answers are often wrong."""
    return _play(tmp_path_factory.mktemp("runs") / "wrong", "protocol=monologue")


async def _labels(
    run: Path, out: Path, reward: str, *options: str, sets: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    asked = LabelOptions(out=out, reward=reward, run=str(run), options=options, sets=sets)
    made = await label(SCENARIO, asked)
    rows = [orjson.loads(line) for line in (out / LABELLED).read_bytes().splitlines()]
    assert made.rows == len(rows)
    assert made.right + made.wrong + made.unlabelled == sum(len(row["labels"]) for row in rows)
    return rows


async def test_rollouts_of_a_policy_that_can_solve_them_agree_with_the_solver(
    run: Path, tmp_path: Path
) -> None:
    truth = await _labels(run, tmp_path / "truth", "countdown-oracle")
    found = await _labels(run, tmp_path / "found", "rollouts", "k=16", "estimate=hard")
    pairs = [
        pair
        for one, other in zip(truth, found, strict=True)
        for pair in zip(one["labels"], other["labels"], strict=True)
    ]
    assert {one for one, _ in pairs} == {"right", "wrong"}
    assert sum(one == other for one, other in pairs) / len(pairs) >= 0.9
    assert [one.labels for one in read_labelled(tmp_path / "found" / LABELLED)] == [
        tuple(row["labels"]) for row in found
    ]


async def test_the_same_command_goes_on_and_another_one_is_refused(run: Path, tmp_path: Path) -> None:
    first = await _labels(run, tmp_path / "out", "rollouts", "k=2")
    journal = (tmp_path / "out" / "journal-0.jsonl").read_bytes()
    assert await _labels(run, tmp_path / "out", "rollouts", "k=2") == first
    assert (tmp_path / "out" / "journal-0.jsonl").read_bytes() == journal
    with pytest.raises(UsageError, match="holds labels of something else"):
        await _labels(run, tmp_path / "out", "rollouts", "k=3")
    with pytest.raises(UsageError, match="holds labels of something else"):
        await _labels(run, tmp_path / "out", "rollouts", "k=2", sets=("seats.policy.options.slip=0.5",))


async def test_only_wrong_solutions_can_be_convincing(wrong_run: Path, tmp_path: Path) -> None:
    options = LabelOptions(
        out=tmp_path / "out", reward="countdown-step", run=str(wrong_run), most_convincing_wrong=3
    )
    made = await label(SCENARIO, options)
    rows = [orjson.loads(line) for line in (tmp_path / "out" / CONVINCING).read_bytes().splitlines()]
    assert made.rows == len(rows) == 3
    assert all(row["answer_right"] is False and set(row["labels"]) == {None} for row in rows)
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    data = tmp_path / "right.jsonl"
    data.write_text('{"prompt": "q", "completions": ["a"], "labels": [true], "answer_right": true}\n')
    with pytest.raises(UsageError, match="known to have a wrong answer"):
        await label(SCENARIO, replace(options, out=tmp_path / "x", run=None, data=data))


def test_the_best_liked_comes_first_and_each_problem_has_its_share() -> None:
    def said(name: str, question: str, *scores: float | None) -> Said:
        solution = LabelledSolution(
            id=name,
            question=question,
            steps=("x",) * len(scores),
            labels=(None,) * len(scores),
            answer_right=False,
        )
        return Said(solution, scores)

    pool = [said("a", "q", 0.9, 0.9), said("b", "q", 0.95), said("c", "r", 0.5), said("d", "s", 0.9, None)]
    assert [row["id"] for row in convincing(pool, 9, 1)] == ["b", "c"]
    assert [row["id"] for row in convincing(pool, 9, 2)] == ["b", "a", "c"]
    assert [row["score"] for row in convincing(pool, 2, 2)] == [0.95, pytest.approx(0.81)]


async def test_what_is_to_be_labelled_has_to_be_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--data FILE or --run RUN"):
        await label(SCENARIO, LabelOptions(out=tmp_path / "x", reward="rollouts"))
    assert not (tmp_path / "x").exists()
