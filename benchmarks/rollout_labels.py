"""Do Monte-Carlo labels agree with an exact solver's? The embedded policy completes its own steps on unseen puzzles.

    python -m benchmarks.rollout_labels             about five minutes on two cores

The embedded policy solves 300 unseen Countdown puzzles alone, one sample each; the exact solver labels every step, and
rollouts of the same policy (hard estimates, k of 1, 4 and 16) label them too; k = 16 once more with a binary search for
the first error. Results go to ``benchmarks/results/rollout_labels.json``.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.result_file import write_result
from longthought.scenarios.judging import MeasureOptions, judge
from longthought.scenarios.labelling import LABELLED, LabelOptions, label
from longthought.scenarios.load import load_scenario
from longthought.scenarios.run import RunOptions, play_to_end
from longthought.train.evaluate import evaluate
from longthought.train.judging.passport import Passport

OUT = Path("out/rollout-labels")
PROBLEMS = 300
COMMON = (f"dataset.size={PROBLEMS}", "dataset.seed=2027", "protocol=monologue")


def play(name: str, *sets: str) -> Path:
    loaded = load_scenario("countdown", [*COMMON, *sets])
    return play_to_end(loaded, RunOptions(run_dir=OUT / name))


def rollouts(data: Path, k: int, search: str) -> Passport:
    options = MeasureOptions(
        data=data,
        out=OUT / f"judged-{k}-{search}",
        reward="rollouts",
        options=("estimate=hard", f"k={k}", f"search={search}"),
    )
    return asyncio.run(judge("countdown", options))


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    greedy = evaluate(play("greedy", "seats.policy.temperature=0.0")).accuracy
    steps = play("sampled")
    asyncio.run(
        label("countdown", LabelOptions(out=OUT / "truth", reward="countdown-oracle", run=str(steps)))
    )
    truth = OUT / "truth" / LABELLED
    rows = [
        _row(k, search, rollouts(truth, k, search))
        for k, search in ((1, "every"), (4, "every"), (16, "every"), (16, "binary"))
    ]
    _print(rows)
    agreement = next(row["agreement"] for row in rows if (row["k"], row["search"]) == (16, "every"))
    goals = {
        "the policy solves more than half of the puzzles": greedy.mean > 0.5,
        "at k = 16 at least 95 % of the labels are the exact solver's": agreement >= 0.95,
    }
    measured = {
        "problems": PROBLEMS,
        "policy_accuracy": {"greedy": greedy.mean, "one_sample": evaluate(steps).accuracy.mean},
        "labels": rows,
        "goals": goals,
    }
    write_result("rollout_labels", measured)
    for goal, met in goals.items():
        print("PASS" if met else "FAIL", goal)
    sys.exit(0 if all(goals.values()) else 1)


def _row(k: int, search: str, passport: Passport) -> dict[str, Any]:
    cells = passport.by_position
    steps = sum(cell.right + cell.wrong for cell in cells)
    errors = sum(cell.missed + cell.false_alarms for cell in cells)
    return {
        "k": k,
        "search": search,
        "steps": steps,
        "agreement": round(1 - errors / steps, 4),
        "right_called_wrong": sum(cell.false_alarms for cell in cells),
        "wrong_called_right": sum(cell.missed for cell in cells),
        "first_error_accuracy": passport.figures["first_error_accuracy"].value,
        "completion_tokens": passport.completion_tokens,
    }


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table(*(name.replace("_", " ") for name in rows[0]), header_style="bold")
    for row in rows:
        table.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
