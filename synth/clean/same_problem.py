"""When two problems are the same one, wherever they come from: they share a key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from longthought.agents.problems import Problem
from longthought.synth.clean.exact import normal


def problem_keys(problem: Problem) -> frozenset[str]:
    """The question as ``exact`` compares texts, and what makes a reasoning-gym entry the one that it is."""
    keys = {normal(problem.question)}
    entry = problem.metadata.get("entry")
    if isinstance(entry, dict):
        keys.add(normal(entry_key(cast("dict[str, Any]", entry))))
    return frozenset(keys)


def keys_of(problems: Iterable[Problem]) -> frozenset[str]:
    """The keys of all of them."""
    return frozenset[str]().union(*map(problem_keys, problems))


def entry_key(entry: dict[str, Any]) -> str:
    """What makes two entries one problem: Countdown's numbers in any order and target, else the question."""
    data = entry.get("metadata")
    if isinstance(data, dict):
        facts = cast("dict[str, Any]", data)
        if facts.get("source_dataset") == "countdown":
            return f"{sorted(facts['numbers'])} {facts['target']}"
    return str(entry.get("question", ""))
