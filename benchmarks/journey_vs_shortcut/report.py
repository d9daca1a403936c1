"""Tables of what the cells show, with intervals, and the file and the plot that stay."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.journey_vs_shortcut.plan import ARMS, AS_LONG, EPOCHS, ON_A_CPU, OUT, PROBLEMS, cells
from benchmarks.journey_vs_shortcut.plot import plot
from benchmarks.journey_vs_shortcut.replies import replies
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
    found = {cell: result for cell in cells(models) if (result := read(cell.name))}
    if not found:
        raise SystemExit("no cell is there yet")
    groups: defaultdict[Group, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for cell, result in found.items():
        groups[cell.model, cell.size, cell.equal][cell.arm].append(result)
    for model, size, equal in [group for group in groups if group[2] == "tokens"]:
        # Arms that are as long as the journeys are the same trainings at equal tokens.
        same = groups[model, size, "examples"]
        groups[model, size, equal].update({arm: same[arm] for arm in AS_LONG if arm in same})
    bases = {model: result for model in models if (result := read(f"{model}-base"))}
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


def read(name: str) -> dict[str, Any] | None:
    """What a cell says of its training, and ``problems``, what it did on each; None if it has not been played."""
    file = OUT / "cells" / f"{name}.json"
    return (
        json.loads(file.read_bytes()) | {"problems": replies(OUT / "runs" / name)} if file.is_file() else None
    )


def _row(group: Group, arm: str, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    model, size, equal = group
    return {"model": model, "size": size, "equal": equal, "arm": arm, **account(results)}


def account(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of trainings that differ in their seeds alone."""
    every = [problem for result in results for problem in result["problems"]]
    return {
        "seeds": len(results),
        **_interval(over_seeds(_right(results))),
        "by_seed": [round(fmean(right.values()), 4) for right in _right(results)],
        "examples": results[0]["examples"],
        "tokens_seen": results[0]["tokens_seen"],
        "reply_tokens": round(fmean(problem["tokens"] for problem in every), 1),
        "cut": _share(problem["cut"] for problem in every),
        "claims": _share(problem["claims"] for problem in every),
        "at_once": _share(problem["right"] and not problem["backs"] for problem in every),
        "backs_a_thought": round(fmean(problem["backs"] for problem in every), 3),
        "valid_backs": _part(every, "valid_backs", "backs"),
        "repeated_attempts": _part(every, "repeated", "attempts"),
        "legal_steps": _part(every, "legal_steps", "steps"),
        "train_seconds": round(sum(result["train_seconds"] for result in results), 1),
        "sample_seconds": round(sum(result["sample_seconds"] for result in results), 1),
    }


def _share(of: Iterable[bool]) -> float:
    return round(fmean(of), 4)


def _part(problems: Iterable[Mapping[str, Any]], some: str, of: str) -> float | None:
    """The part that ``some`` is of all, over all problems; None where there is nothing."""
    counted = [(problem[some], problem[of]) for problem in problems]
    every = sum(n for _, n in counted)
    return round(sum(n for n, _ in counted) / every, 4) if every else None


def _gap(
    group: Group, other: str, journeys: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Journey minus another arm, over the same problems."""
    model, size, equal = group
    return {
        "model": model,
        "size": size,
        "equal": equal,
        "minus": other,
        "seeds": min(len(journeys), len(others)),
        **gap_of(journeys, others),
    }


def gap_of(
    results: Sequence[Mapping[str, Any]],
    others: Sequence[Mapping[str, Any]],
    problems: Container[str] | None = None,
) -> dict[str, float]:
    """The mean of some trainings minus that of others, with its interval; over all problems or some."""
    return _interval(over_seeds(_right(results, problems), _right(others, problems)))


def _right(
    results: Sequence[Mapping[str, Any]], problems: Container[str] | None = None
) -> list[dict[str, float]]:
    """By seed and problem."""
    return [
        {
            each["id"]: float(each["right"])
            for each in result["problems"]
            if problems is None or each["id"] in problems
        }
        for result in results
    ]


def _interval(found: Interval) -> dict[str, float]:
    return {"mean": round(found.mean, 4), "low": round(found.low, 4), "high": round(found.high, 4)}


def table(title: str, rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Print the accounts, with what is called ``names`` in front of each."""
    columns = (*names, "seeds", "accuracy", "95%", "at once", "claims", "cut", "tokens", "backs")
    parts = ("valid_backs", "repeated_attempts", "legal_steps")
    cells = (
        (
            *(str(row[name]) for name in names),
            str(row["seeds"]),
            f"{row['mean']:.1%}",
            f"{row['low']:.1%} to {row['high']:.1%}",
            *(f"{row[name]:.1%}" for name in ("at_once", "claims", "cut")),
            f"{row['reply_tokens']:.0f}",
            f"{row['backs_a_thought']:.2f}",
            *("none" if row[name] is None else f"{row[name]:.0%}" for name in parts),
        )
        for row in rows
    )
    columns += ("valid", "repeated", "legal")
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
