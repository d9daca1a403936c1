"""Which critic is worth its debate? Learned, rule checker, panel, self-critic and none, at equal policy tokens.

    python -m benchmarks.planted_faults             first: it trains the learned critic
    python -m benchmarks.critics                    300 unseen puzzles, about half an hour on two cores

The embedded model is the policy in every arm. Self-critic: the same model in both seats. Learned critic: a model of its
own, trained on planted faults and on verdicts of debates. Rule checker: the rules of one step, without search. Step
scorer: the learned reward as critic. Panel: learned critic, self-critic and step scorer, by vote. No critic: samples of
the policy alone. Oracle: exact search, what is left to gain.

Every arm may spend the same policy tokens on a puzzle and answers by the vote of the debates that fit in
(``train.allowance``); the comparison is paired over the puzzles. Results and the curve over allowances go to
``benchmarks/results/critics.json`` and ``critics.svg``.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.result_file import RESULTS, write_result
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.load import load_scenario
from longthought.scenarios.report import count
from longthought.scenarios.run import RunOptions, play_to_end
from longthought.synth.picture import picture, save
from longthought.train.allowance import Try, accuracy_at, tokens_at, tries_of
from longthought.train.compare import compare
from longthought.train.results import bootstrap_mean

PROBLEMS = 300
RUNS = Path("runs/critics")
CRITIC = Path("out/critic/lm")
COMMON = (f"dataset.size={PROBLEMS}", "dataset.seed=2026")
#: Policy tokens a puzzle: those of the table, and those of the curve.
ALLOWANCE = 160
CURVE = (40, 60, 80, 100, 120, 140, 160, 200)

#: The critic's seat of every arm, and how many debates of each puzzle it is given to spend its allowance.
_SELF = "{model: embedded, temperature: 0.0, max_tokens: 64}"
_LEARNED = "{model: learned, temperature: 0.0, max_tokens: 64}"
_SCORER = "{agent: reward-critic, options: {reward: step-scorer}}"
ARMS: dict[str, tuple[int, tuple[str, ...]]] = {
    "no critic": (10, ("protocol=monologue",)),
    "self-critic": (4, (f"seats.critic={_SELF}",)),
    "learned critic": (4, (f"seats.critic={_LEARNED}",)),
    "rule checker": (
        3,
        ("seats.critic={agent: reward-critic, options: {reward: countdown-step}}",),
    ),
    "step scorer": (4, (f"seats.critic={_SCORER}",)),
    "panel": (
        2,
        (
            f"seats.critic={{agent: panel, options: {{rule: vote, members: [{_LEARNED}, {_SELF}, {_SCORER}]}}}}",
        ),
    ),
    "oracle": (2, ("seats.critic={agent: countdown-oracle}",)),
}


def play(name: str, epochs: int, sets: tuple[str, ...]) -> Path:
    """Play one arm, or go on with it."""
    learned = f"models.learned={{engine: transformers, model: {CRITIC.resolve()}}}"
    loaded = load_scenario("countdown", [*COMMON, f"epochs={epochs}", learned, *sets])
    directory = RUNS / name.replace(" ", "-")
    return play_to_end(loaded, RunOptions(run_dir=directory, max_connections=64))


def main() -> None:
    if not (CRITIC / "config.json").is_file():
        sys.exit(f"{CRITIC}: no learned critic yet; run `python -m benchmarks.planted_faults` first")
    runs = {name: play(name, *arm) for name, arm in ARMS.items()}
    tries = {name: tries_of(read_transcripts(run)) for name, run in runs.items()}
    rows = [_row(name, runs[name], tries) for name in ARMS]
    curve = {
        name: [(tokens_at(of, each), _mean(accuracy_at(of, each))) for each in CURVE]
        for name, of in tries.items()
    }
    _print(rows)
    _draw(curve)
    write_result("critics", {"problems": PROBLEMS, "allowance": ALLOWANCE, "arms": rows, "curve": curve})


def _row(name: str, run: Path, tries: dict[str, dict[str, list[Try]]]) -> dict[str, Any]:
    right = accuracy_at(tries[name], ALLOWANCE)
    accuracy = bootstrap_mean(list(right.values()))
    row: dict[str, Any] = {
        "arm": name,
        "accuracy": accuracy.mean,
        "interval": [accuracy.low, accuracy.high],
        "policy_tokens": tokens_at(tries[name], ALLOWANCE),
    }
    if name != "no critic":
        # Counted over all debates of the arm, against the exact search.
        counted = asyncio.run(count(str(run))).account
        row["false_backtracks"] = counted.false_backtrack_rate
        row["missed_errors"] = counted.missed_error_rate
    if name != "learned critic":
        versus = compare(accuracy_at(tries["learned critic"], ALLOWANCE), right)
        row["learned_minus_this"] = {
            "difference": versus.difference.mean,
            "interval": [versus.difference.low, versus.difference.high],
            "mcnemar_p": versus.p,
        }
    return row


def _mean(of: dict[str, float]) -> float:
    return sum(of.values()) / len(of)


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table(
        "arm",
        "accuracy",
        "95 %",
        "tokens that fit",
        "false backtracks",
        "missed errors",
        "learned minus this",
        "95 %",
        "McNemar p",
        title=f"{PROBLEMS} unseen puzzles, at most {ALLOWANCE} policy tokens each",
    )
    for row in rows:
        versus = row.get("learned_minus_this")
        rates = (row.get(rate) for rate in ("false_backtracks", "missed_errors"))
        table.add_row(
            row["arm"],
            f"{row['accuracy']:.1%}",
            f"{row['interval'][0]:.1%} to {row['interval'][1]:.1%}",
            f"{row['policy_tokens']:.0f}",
            *("" if rate is None else f"{rate:.1%}" for rate in rates),
            f"{versus['difference']:+.1%}" if versus else "",
            f"{versus['interval'][0]:+.1%} to {versus['interval'][1]:+.1%}" if versus else "",
            f"{versus['mcnemar_p']:.2g}" if versus else "",
        )
    Console(width=160).print(table)


def _draw(curve: dict[str, list[tuple[float, float]]]) -> None:
    file = RESULTS / "critics.svg"
    figure = picture(file, 7, 4.2)
    axes = figure.subplots()
    for name, points in curve.items():
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
    axes.set_xlabel("policy tokens a puzzle")
    axes.set_ylabel("solved")
    axes.set_ylim(0, 1)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    save(figure, file)


if __name__ == "__main__":
    main()
