"""Tables of what the cells show, with intervals, and the file and the plot that stay."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.journey_vs_shortcut.plan import ARMS, AS_LONG, EPOCHS, ON_A_CPU, OUT, PROBLEMS, cells
from benchmarks.journey_vs_shortcut.plot import plot
from benchmarks.result_file import write_result
from longthought.train.evaluating.arms import over_seeds
from longthought.train.results import Interval

NAME = "journey_vs_shortcut"
Group = tuple[str, int, str]


def report(models: Sequence[str] = ON_A_CPU, name: str = NAME) -> None:
    """Print what there is of these models, and write it under ``name``.

    Raises:
        SystemExit: no cell has been played.
    """
    found = {cell: result for cell in cells(models) if (result := _read(cell.name))}
    if not found:
        raise SystemExit("no cell is there yet")
    groups: defaultdict[Group, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for cell, result in found.items():
        groups[cell.model, cell.size, cell.equal][cell.arm].append(result)
    for model, size, equal in [group for group in groups if group[2] == "tokens"]:
        # Arms that are as long as the journeys are the same trainings at equal tokens.
        same = groups[model, size, "examples"]
        groups[model, size, equal].update({arm: same[arm] for arm in AS_LONG if arm in same})
    bases = {model: result for model in models if (result := _read(f"{model}-base"))}
    rows = [_row((model, 0, "examples"), "base", [result]) for model, result in bases.items()]
    rows += [
        _row(group, arm, groups[group][arm]) for group in groups for arm in ARMS if groups[group].get(arm)
    ]
    gaps = [
        _gap(group, other, groups[group]["journey"], groups[group][other])
        for group in groups
        for other in ARMS
        if other != "journey" and groups[group].get(other) and groups[group].get("journey")
    ]
    table("accuracy on unseen problems, greedy", rows, ("model", "size", "equal", "arm"))
    _gaps(gaps)
    every = [*found.values(), *bases.values()]
    made = {
        "problems": PROBLEMS,
        "epochs": EPOCHS,
        "cells": len(found),
        "processor_hours": round(
            sum(one["train_seconds"] + one["sample_seconds"] for one in every) / 3600, 1
        ),
        "arms": rows,
        "gaps": gaps,
    }
    print(write_result(name, made))
    print(plot(rows, name))


def _read(name: str) -> dict[str, Any] | None:
    file = OUT / "cells" / f"{name}.json"
    return json.loads(file.read_bytes()) if file.is_file() else None


def _row(group: Group, arm: str, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    model, size, equal = group
    return {"model": model, "size": size, "equal": equal, "arm": arm, **account(results)}


def account(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of trainings that differ in their seeds alone."""
    every = [problem for result in results for problem in result["problems"]]
    backs = sum(problem["backs"] for problem in every)
    steps = sum(problem["steps"] for problem in every)
    return {
        "seeds": len(results),
        **_interval(over_seeds(_right(results))),
        "by_seed": [round(fmean(right.values()), 4) for right in _right(results)],
        "examples": results[0]["examples"],
        "tokens_seen": results[0]["tokens_seen"],
        "reply_tokens": round(fmean(problem["tokens"] for problem in every), 1),
        "cut": round(fmean(problem["cut"] for problem in every), 4),
        "backs_a_thought": round(backs / len(every), 3),
        "valid_backs": round(sum(problem["valid_backs"] for problem in every) / backs, 4) if backs else None,
        "legal_steps": round(sum(problem["legal_steps"] for problem in every) / steps, 4) if steps else None,
        "train_seconds": round(sum(result["train_seconds"] for result in results), 1),
        "sample_seconds": round(sum(result["sample_seconds"] for result in results), 1),
    }


def _gap(
    group: Group, other: str, journeys: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Journey minus another arm, over the same problems."""
    model, size, equal = group
    mine, theirs = _right(journeys), _right(others)
    return {
        "model": model,
        "size": size,
        "equal": equal,
        "minus": other,
        "seeds": min(len(mine), len(theirs)),
        **_interval(over_seeds(mine, theirs)),
    }


def _right(results: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """By seed and problem."""
    return [{each["id"]: float(each["right"]) for each in result["problems"]} for result in results]


def _interval(found: Interval) -> dict[str, float]:
    return {"mean": round(found.mean, 4), "low": round(found.low, 4), "high": round(found.high, 4)}


def table(title: str, rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Print the accounts, with what is called ``names`` in front of each."""
    columns = (*names, "seeds", "accuracy", "95%", "tokens", "cut", "backs", "valid", "legal")
    cells = (
        (
            *(str(row[name]) for name in names),
            str(row["seeds"]),
            f"{row['mean']:.1%}",
            f"{row['low']:.1%} to {row['high']:.1%}",
            f"{row['reply_tokens']:.0f}",
            f"{row['cut']:.1%}",
            f"{row['backs_a_thought']:.2f}",
            "none" if row["valid_backs"] is None else f"{row['valid_backs']:.0%}",
            "none" if row["legal_steps"] is None else f"{row['legal_steps']:.0%}",
        )
        for row in rows
    )
    print_table(title, columns, cells, len(names))


def _gaps(gaps: Iterable[Mapping[str, Any]]) -> None:
    names = ("model", "size", "equal", "minus")
    cells = (
        (
            *(str(gap[name]) for name in names),
            str(gap["seeds"]),
            f"{gap['mean']:+.1%}",
            f"{gap['low']:+.1%} to {gap['high']:+.1%}",
        )
        for gap in gaps
    )
    print_table("journey minus the other arm, paired", (*names, "seeds", "points", "95%"), cells, len(names))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], names: int) -> None:
    """Print rows of texts; the first columns, ``names`` in number, to the left and figures to the right."""
    made = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        made.add_column(column, justify="left" if place < names else "right")
    for row in rows:
        made.add_row(*row)
    Console(width=150).print(made)
