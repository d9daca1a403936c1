"""The arms' corpora, told from the same debates row by row, and the base's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from benchmarks.journey_vs_shortcut.plan import ARMS, OUT
from benchmarks.journey_vs_shortcut.trees import base_trees, experiment_trees
from longthought.synth.corpus.export import export

_JOURNEYS = {"shuffled": {"detours": "shuffled"}, "masked": {"mask": "drop-wrong"}}


@cache
def tree_corpus() -> Path:
    """All arms, told from the experiment's debates."""
    kinds = [f"{arm}=journey" if arm in _JOURNEYS else arm for arm in ARMS]
    return exported(experiment_trees, OUT / "corpus", kinds, _JOURNEYS)


@cache
def base_corpus() -> Path:
    """Shortcuts of debates without a detour, for the base."""
    return exported(base_trees, OUT / "base-corpus", ["shortcut"])


def exported(
    run: Callable[[], Path],
    out: Path,
    kinds: list[str],
    options: Mapping[str, Mapping[str, object]] | None = None,
) -> Path:
    """The corpus of a run, which is played if neither is there."""
    if not out.is_dir():
        export(run(), out, kinds, {"jsonl"}, options=options or {})
    return out
