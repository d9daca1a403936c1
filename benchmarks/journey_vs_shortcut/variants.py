"""What else was tried: other searchers and critics, another tokenizer, fewer journeys for as long. One seed each.

    python -m benchmarks.journey_vs_shortcut.variants [--only back-to-alive,…] [--report]

Each differs in one thing from the experiment's own arm ``journey``, which stands beside them, with the base and the arm
``masked`` (no loss on what was gone back from). Where debates search more, fewer are solved, so that there may be fewer
rows; ``examples`` says how many. Digit by digit a reply of as many tokens is shorter. Intervals are over puzzles alone.
Goes on where it was left.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks.journey_vs_shortcut.base import base
from benchmarks.journey_vs_shortcut.cell import played, settings_of
from benchmarks.journey_vs_shortcut.corpora import exported, tree_corpus
from benchmarks.journey_vs_shortcut.plan import EPOCHS, OUT, SIZES, Cell
from benchmarks.journey_vs_shortcut.processes import in_processes
from benchmarks.journey_vs_shortcut.report import account, read, table
from benchmarks.journey_vs_shortcut.trees import searching, trees
from benchmarks.result_file import write_result
from longthought.train.settings import CorpusSettings
from longthought.train.sft import run_sft

MODEL, SIZE, SEED = "1m", SIZES[-1], 1
JOURNEY = Cell(MODEL, "journey", SIZE, "examples", SEED)


@dataclass(frozen=True)
class Variant:
    """``search``: what the debates are like, where they are not the experiment's; ``tells`` what is different."""

    tells: str
    search: Mapping[str, Any] = field(default_factory=dict)
    digits: Literal[1, 3] = 3
    #: Passes over the rows, for as many steps as those of the experiment where there are fewer ``rows``.
    passes: float = EPOCHS[SIZE]
    rows: int = SIZE


VARIANTS = {
    "back-to-alive": Variant("goes back to where there is a way", {"back": "alive"}),
    "all-seeing": Variant("leaves a dead end as soon as it is one", {"sight": 99}),
    "guess-0.2": Variant("guesses every fifth step", {"guess": 0.2}),
    "guess-0.6": Variant("guesses three steps of five", {"guess": 0.6}),
    "by-digit": Variant("every digit is a token, in the base too", digits=1),
    "one-pass": Variant("one pass over the rows", passes=1),
    "2000-as-long": Variant("2,000 rows for as many steps", rows=2000),
}


def play(name: str) -> Path:
    """Train and evaluate the variant."""
    return played(f"variant-{name}", lambda: _train(name, VARIANTS[name]))


def _train(name: str, variant: Variant) -> Path:
    corpus = tree_corpus()
    if variant.search:
        at = OUT / "variants" / name
        sets = searching(**variant.search)
        corpus = exported(lambda: trees(sets, at / "trees"), at / "corpus", ["journey"])
    changes = {
        "model": str(base(MODEL, variant.digits)),
        "corpora": [CorpusSettings(path=corpus, kind="journey", limit=variant.rows)],
        "out": OUT / "models" / f"variant-{name}",
        "epochs": variant.passes * SIZE / variant.rows,
    }
    return run_sft(settings_of(JOURNEY).model_copy(update=changes))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default=",".join(VARIANTS))
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--report", action="store_true", help="only the report")
    parser.add_argument("--here", action="store_true", help="in this process, one after the other")
    asked = parser.parse_args()
    names = asked.only.split(",")
    if asked.here:
        import torch

        torch.set_num_threads(1)
        for name in names:
            play(name)
        return
    if not asked.report:
        module = "benchmarks.journey_vs_shortcut.variants"
        jobs = {f"variant-{name}": ("--here", "--only", name) for name in names}
        in_processes(module, jobs, asked.at_once)
    _report()


def _report() -> None:
    told = {
        f"{MODEL}-base": "the base",
        JOURNEY.name: "the experiment's journeys",
        Cell(MODEL, "masked", SIZE, "examples", SEED).name: "no loss on what was gone back from",
        **{f"variant-{name}": variant.tells for name, variant in VARIANTS.items()},
    }
    rows = [
        {"name": name, "tells": tells, **account([result])}
        for name, tells in told.items()
        if (result := read(name))
    ]
    table(
        "variants of the journeys, one seed: accuracy on unseen problems, greedy",
        rows,
        ("name", "tells", "examples"),
    )
    print(write_result("journey_vs_shortcut_variants", {"model": MODEL, "size": SIZE, "variants": rows}))


if __name__ == "__main__":
    main()
