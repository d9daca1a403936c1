"""The parts of the benchmark, and that both of its sides learn the same from the same rows in the same order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.plain_sft import plain_trainer
from benchmarks.result_file import RESULTS
from benchmarks.train_speed import furthest, goals, lengths, one_in
from benchmarks.train_speed_side import LEARNING_RATE, MODEL, our_trainer


def row(ids: list[int]) -> dict[str, Any]:
    return {"input_ids": ids, "labels": [-100, *ids[1:]]}


def losses(trainer: Any) -> list[float]:
    trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


@pytest.mark.parametrize("packing", [False, True])
def test_our_losses_are_the_plain_scripts_step_by_step(tmp_path: Path, packing: bool) -> None:
    rows = [row(list(range(10, 15 + 7 * n % 40))) for n in range(6)]

    def write(name: str, order: list[int]) -> Path:
        file = tmp_path / name
        file.write_text("".join(json.dumps(rows[n]) + "\n" for n in order))
        return file

    ours = our_trainer(
        write("rows.jsonl", list(range(6))), tmp_path / "ours", bf16=False, packing=packing, batch=2
    )
    order = [int(n) for n in ours._get_train_sampler()]
    plain = plain_trainer(
        str(write("ordered.jsonl", order)),
        str(tmp_path / "plain"),
        MODEL,
        bf16=False,
        per_device_train_batch_size=2,
        learning_rate=LEARNING_RATE,
        train_sampling_strategy="sequential",
        disable_tqdm=True,
    )
    found, expected = losses(ours), losses(plain)
    assert len(found) == 3
    assert furthest(found, expected) < 1e-4
    assert furthest(found, reversed(expected)) > 1e-2


def test_each_nth_row_is_a_long_one_until_either_runs_out() -> None:
    short, long = [row([n]) for n in range(7)], [row([0] * 9), row([1] * 9)]
    assert [len(r["input_ids"]) for r in one_in(short, long, 3)] == [1, 1, 9, 1, 1, 9, 1, 1]
    assert lengths(long) == {"rows": 2, "tokens": 18, "shortest": 9, "median": 9, "longest": 9}


def test_goals_are_judged_by_what_was_measured() -> None:
    sides = {"plain-float32": 100, "plain-bfloat16": 100, "ours-float32": 150, "ours": 250}
    made: list[dict[str, Any]] = [
        {"rows": rows, "side": side, "tokens_per_cpu_second": speed, "peak_rss_mb": 900}
        for rows in ("journeys", "short rows")
        for side, speed in sides.items()
    ]
    judged = {goal["goal"]: goal["held"] for goal in goals(made, {"ours": 2e-4})}
    assert judged["journeys: tokens a second, ours-float32 over plain-float32"]
    assert not judged["short rows: tokens a second, ours-float32 over plain-float32"]
    assert judged["short rows: tokens a second, ours over plain-bfloat16"]
    assert not judged["loss of each step, ours from the plain script's"]


def test_the_last_result_holds_what_its_sides_say() -> None:
    result = json.loads((RESULTS / "train_speed.json").read_text("utf-8"))
    apart = {
        goal["goal"].removeprefix("loss of each step, ").removesuffix(" from the plain script's"): goal[
            "measured"
        ]
        for goal in result["goals"]
        if goal["goal"].startswith("loss")
    }
    assert goals(result["sides"], apart) == result["goals"]
