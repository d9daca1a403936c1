"""How much of the unseen problems stands in the journeys all the same, and whether it makes the difference.

    python -m benchmarks.journey_vs_shortcut.leaks [--model 1m]

No unseen puzzle (numbers and target) is in the training. But an attempt that fails at one target may be a solution of
another, unseen one, told as a failure; shortcuts have no such. So the gap is told again without these puzzles.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from benchmarks.journey_vs_shortcut.corpora import tree_corpus
from benchmarks.journey_vs_shortcut.plan import OUT, PROBLEMS, SEEDS, SIZES, Cell
from benchmarks.journey_vs_shortcut.report import gap_of, print_table, read
from benchmarks.result_file import write_result
from longthought.agents.rewards.countdown import legal_step, parse_step
from longthought.train.corpus import read_rows
from longthought.train.settings import CorpusSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="1m")
    model = parser.parse_args().model
    lines = (OUT / "puzzles" / "unseen.jsonl").read_text("utf-8").splitlines()[:PROBLEMS]
    unseen = [json.loads(line) for line in lines]
    rows = [_row(model, size, unseen) for size in SIZES]
    columns = ("examples", "numbers seen", "solved in a failed attempt", "gap", "gap without these")
    told = (
        (
            str(row["size"]),
            *(str(row[name]) for name in ("numbers", "leaked")),
            *(_told(row[name]) for name in ("gap", "gap_without")),
        )
        for row in rows
    )
    print_table("of 500 unseen puzzles; journey minus shortcut, equal examples", columns, told, names=1)
    print(write_result("journey_vs_shortcut_leaks", {"model": model, "problems": PROBLEMS, "sizes": rows}))


def _told(gap: dict[str, float] | None) -> str:
    return "none" if gap is None else "{mean:+.1%} ({low:+.1%} to {high:+.1%})".format(**gap)


def _row(model: str, size: int, unseen: list[dict[str, Any]]) -> dict[str, Any]:
    numbers, reached = seen(size)
    names = {
        puzzle["id"]: (tuple(sorted(map(int, puzzle["numbers"].split()))), puzzle["target"])
        for puzzle in unseen
    }
    leaked = {name for name, puzzle in names.items() if puzzle in reached}
    return {
        "size": size,
        "numbers": sum(of in numbers for of, _ in names.values()),
        "leaked": len(leaked),
        "gap": _gap(model, size, set(names)),
        "gap_without": _gap(model, size, set(names) - leaked),
    }


def seen(size: int) -> tuple[set[tuple[int, ...]], set[tuple[tuple[int, ...], int]]]:
    """The numbers of the first ``size`` journeys, and with them every result of a whole and legal attempt."""
    corpus = CorpusSettings(path=tree_corpus(), kind="journey", limit=size)
    numbers: set[tuple[int, ...]] = set()
    reached: set[tuple[tuple[int, ...], int]] = set()
    for row in read_rows([corpus]):
        asked, told = (message["content"] for message in row.content["messages"])
        given = tuple(sorted(int(word) for word in asked.rstrip(".").partition(" of ")[2].split()))
        numbers.add(given)
        left: tuple[int, ...] = given
        for line in told.splitlines():
            step = parse_step(line)
            if step is None:
                left = given
                continue
            left = tuple(step.rest) if legal_step(left, step).ok else ()
            if len(left) == 1:
                reached.add((given, left[0]))
    return numbers, reached


def _gap(model: str, size: int, problems: set[str]) -> dict[str, float] | None:
    """Journey minus shortcut on these problems; None where a seed is missing."""
    journeys, shortcuts = (
        [found for seed in SEEDS if (found := read(Cell(model, arm, size, "examples", seed).name))]
        for arm in ("journey", "shortcut")
    )
    if min(len(journeys), len(shortcuts)) < len(SEEDS):
        return None
    return gap_of(journeys, shortcuts, problems)


if __name__ == "__main__":
    main()
