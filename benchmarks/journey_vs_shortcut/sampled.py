"""What models that learned shortcuts come to where they are asked more than once, for as many tokens as journeys take.

    python -m benchmarks.journey_vs_shortcut.sampled [--model 1m] [--samples 16]

The control that long replies ask for: a model that writes six times as much may be ahead for that alone. The unseen
problems are asked so many times at temperature 1. Of k samples pass@k is what an exact checker makes of them, which
stops at the first right answer; maj@k what a vote does, without a checker, as the journeys have none.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.journey_vs_shortcut.cell import alone
from benchmarks.journey_vs_shortcut.plan import OUT, PROBLEMS, SEEDS, SIZES, Cell
from benchmarks.journey_vs_shortcut.report import print_table, read
from benchmarks.result_file import write_result
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.load import load_scenario
from longthought.scenarios.run import RunOptions, play_to_end
from longthought.train.allowance import Try, tries_of
from longthought.train.evaluating.at_k import maj_at_k, pass_at_k


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="1m")
    parser.add_argument("--samples", type=int, default=16)
    given = parser.parse_args()
    journeys = [_read(Cell(given.model, "journey", SIZES[-1], "examples", seed).name) for seed in SEEDS]
    tokens = fmean(problem["tokens"] for one in journeys for problem in one["problems"])
    right = fmean(problem["right"] for one in journeys for problem in one["problems"])
    names = [Cell(given.model, "shortcut", SIZES[-1], "examples", seed).name for seed in SEEDS]
    rows = [_row(name, tokens, given.samples) for name in (f"{given.model}-base", *names)]
    print(f"journeys, asked once, greedily: {right:.1%} for {tokens:.0f} tokens")
    _print(rows)
    made = {"journeys": {"accuracy": round(right, 4), "tokens": round(tokens, 1)}, "sampled": rows}
    print(
        write_result("journey_vs_shortcut_sampled", {"model": given.model, "samples": given.samples, **made})
    )


def _read(name: str) -> dict[str, Any]:
    if (found := read(name)) is None:
        raise SystemExit(f"{name} has not been played; python -m benchmarks.journey_vs_shortcut")
    return found


def _row(name: str, allowance: float, samples: int) -> dict[str, Any]:
    tries = list(tries_of(read_transcripts(_asked(name, samples))).values())
    tokens = fmean(one.tokens for of in tries for one in of)
    k = max(1, min(samples, round(allowance / tokens)))
    return {
        "name": name,
        "tokens": round(tokens, 1),
        "at_one": round(fmean(pass_at_k(len(of), _right(of), 1) for of in tries), 4),
        "k": k,
        "pass_at_k": round(fmean(pass_at_k(len(of), _right(of), k) for of in tries), 4),
        "maj_at_k": round(fmean(maj_at_k([(one.answer, one.right) for one in of], k) for of in tries), 4),
    }


def _right(tries: Sequence[Try]) -> int:
    return sum(one.right for one in tries)


def _asked(name: str, samples: int) -> Path:
    model = (OUT / "models" / name).resolve()
    sets = [*alone(model, "unseen", 1.0), f"epochs={samples}"]
    options = RunOptions(run_dir=OUT / "sampled" / name, limit=PROBLEMS, max_connections=PROBLEMS)
    return play_to_end(load_scenario("countdown", sets), options)


def _print(rows: Sequence[Mapping[str, Any]]) -> None:
    columns = ("model", "tokens", "one sample", "k", "tokens of k", "pass@k", "maj@k")
    cells = (
        (
            row["name"],
            f"{row['tokens']:.0f}",
            f"{row['at_one']:.1%}",
            str(row["k"]),
            f"{row['k'] * row['tokens']:.0f}",
            f"{row['pass_at_k']:.1%}",
            f"{row['maj_at_k']:.1%}",
        )
        for row in rows
    )
    print_table("as many samples as journeys' tokens allow, at temperature 1", columns, cells, names=1)


if __name__ == "__main__":
    main()
