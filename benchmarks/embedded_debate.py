"""Is the debate worth its tokens? The embedded model alone, in debate with itself, and best-of-n, on unseen problems.

    python -m benchmarks.embedded_debate            300 problems, about ten minutes on two cores

The same policy sits in every arm. Best-of-n gets at least as many policy tokens as the debate used, and its reward is
the embedded step scorer: by the product of its steps, as in Let's Verify Step by Step, and by the last step alone, but
it never learned what follows a wrong step. Another best-of-n picks with the exact answer checker, which no reward can
beat, and an oracle in the critic's seat shows what is left to gain. Every comparison is paired over the same problems.
Results go to ``benchmarks/results/embedded_debate.json``.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.result_file import write_result
from longthought.scenarios.load import load_scenario
from longthought.scenarios.run import RunOptions, play_to_end
from longthought.train.evaluate import Evaluation, evaluate, paired

PROBLEMS = 300
RUNS = Path("runs/embedded-debate")
COMMON = (f"dataset.size={PROBLEMS}", "dataset.seed=2026")


def play(name: str, *sets: str) -> Evaluation:
    """Play one arm (or resume it) and evaluate it."""
    loaded = load_scenario("countdown", [*COMMON, *sets])
    return evaluate(play_to_end(loaded, RunOptions(run_dir=RUNS / name, max_connections=64)))


def main() -> None:
    alone = play("greedy", "protocol=monologue", "seats.policy.temperature=0.0")
    sampled = play("sampled", "protocol=monologue")
    debate = play("debate")
    n = max(1, math.ceil(debate.mean("policy_tokens") / sampled.mean("policy_tokens")))
    arms = {
        "policy alone, greedy": alone,
        "policy alone, one sample": sampled,
        "debate, learned critic": debate,
        f"best of {n}, step scorer, product of the steps": play(
            "best-of-n-product",
            "protocol=best-of-n",
            f"n={n}",
            "rewards={prm: {mode: inject, options: {score: product}}}",
        ),
        f"best of {n}, step scorer, last step": play(
            "best-of-n", "protocol=best-of-n", f"n={n}", "rewards.step-scorer=inject"
        ),
        f"best of {n}, exact checker": play(
            "best-of-n-exact", "protocol=best-of-n", f"n={n}", "rewards={answer: inject}"
        ),
        "debate, oracle critic": play("oracle", "seats.critic={agent: countdown-oracle}"),
    }
    rows = [_row(name, arm, debate) for name, arm in arms.items()]
    _print(rows)
    debates = debate.mean("detoured")
    gain = next(row for row in rows if row["arm"] == "policy alone, greedy")["debate_minus_this"]
    goals = {
        "debate at least 15 points over one greedy pass": gain["difference"] >= 0.15,
        "at least half of the debates hold a backtrack or a reflection": debates >= 0.5,
    }
    measured = {"problems": PROBLEMS, "arms": rows, "debates_with_detour": debates, "goals": goals}
    write_result("embedded_debate", measured)
    for goal, met in goals.items():
        print("PASS" if met else "FAIL", goal)
    sys.exit(0 if all(goals.values()) else 1)


def _row(name: str, arm: Evaluation, debate: Evaluation) -> dict[str, Any]:
    row: dict[str, Any] = {
        "arm": name,
        "accuracy": arm.accuracy.mean,
        "interval": [arm.accuracy.low, arm.accuracy.high],
        "policy_tokens": arm.mean("policy_tokens"),
        "critic_tokens": arm.mean("critic_tokens"),
    }
    if arm is not debate:
        difference = paired(debate, arm)
        row["debate_minus_this"] = {
            "difference": difference.difference.mean,
            "interval": [difference.difference.low, difference.difference.high],
            "mcnemar_p": difference.p,
        }
    return row


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table(
        "arm", "accuracy", "95 %", "policy tokens", "critic tokens", "debate minus this", "95 %", "McNemar p"
    )
    for row in rows:
        versus = row.get("debate_minus_this")
        table.add_row(
            row["arm"],
            f"{row['accuracy']:.1%}",
            f"{row['interval'][0]:.1%} to {row['interval'][1]:.1%}",
            f"{row['policy_tokens']:.0f}",
            f"{row['critic_tokens']:.0f}",
            f"{versus['difference']:+.1%}" if versus else "",
            f"{versus['interval'][0]:+.1%} to {versus['interval'][1]:+.1%}" if versus else "",
            f"{versus['mcnemar_p']:.2g}" if versus else "",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
