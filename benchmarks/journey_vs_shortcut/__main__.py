"""Do journeys teach more than shortcuts, told from the same debates?

    python -m benchmarks.journey_vs_shortcut                    everything that is not there yet, then the report
    python -m benchmarks.journey_vs_shortcut --models 1m --sizes 327,2000 --seeds 1
    python -m benchmarks.journey_vs_shortcut --report           the report of what is there

Debates, corpora, models and the cells' results are kept in ``out/journey``; what is there is not made again, so the
command can be stopped and called again. Cells are played as many at once as there are processors, each on one of them.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from benchmarks.journey_vs_shortcut.cell import play_base
from benchmarks.journey_vs_shortcut.plan import ON_A_CPU, OUT, SEEDS, SIZES, Cell, cells
from benchmarks.journey_vs_shortcut.processes import in_processes
from benchmarks.journey_vs_shortcut.report import NAME, report


def main(models: Sequence[str] = ON_A_CPU, at_once: int = os.cpu_count() or 1, name: str = NAME) -> None:
    """Play what is asked for and report under ``name``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", default=",".join(models))
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--at-once", type=int, default=at_once)
    parser.add_argument("--report", action="store_true", help="only the report")
    asked = parser.parse_args()
    if not asked.report:
        sizes, seeds = (tuple(map(int, text.split(","))) for text in (asked.sizes, asked.seeds))
        _play(cells(tuple(asked.models.split(",")), sizes, seeds), asked.at_once)
    report(models, name)


def _play(todo: list[Cell], at_once: int) -> None:
    todo = [cell for cell in todo if not (OUT / "cells" / f"{cell.name}.json").is_file()]
    for model in dict.fromkeys(cell.model for cell in todo):
        play_base(model)
    jobs = {cell.name: (cell.model, cell.arm, str(cell.size), cell.equal, str(cell.seed)) for cell in todo}
    in_processes("benchmarks.journey_vs_shortcut.cell", jobs, at_once)


if __name__ == "__main__":
    main()
