"""Accuracy by number of examples, one panel for each model and each way of being equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.journey_vs_shortcut.plan import ARMS, SIZES
from benchmarks.result_file import RESULTS
from longthought.synth.picture import picture, save

#: Colours that people with colour vision deficiencies tell apart (Okabe and Ito 2008).
_COLOURS = dict(zip(ARMS, ("#0072b2", "#d55e00", "#999999", "#009e73", "#cc79a7"), strict=True))


def plot(rows: Sequence[Mapping[str, Any]], name: str) -> Path:
    """Draw and save."""
    file = RESULTS / f"{name}.svg"
    panels = sorted({(row["model"], row["equal"]) for row in rows})
    figure = picture(file, 3.4 * len(panels) + 0.6, 3.4)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)
    for axis, (model, equal) in zip(axes[0], panels, strict=True):
        for arm in ARMS:
            line = [row for row in rows if (row["model"], row["equal"], row["arm"]) == (model, equal, arm)]
            sizes, means = [row["size"] for row in line], [100 * row["mean"] for row in line]
            down = [100 * (row["mean"] - row["low"]) for row in line]
            up = [100 * (row["high"] - row["mean"]) for row in line]
            axis.errorbar(
                sizes,
                means,
                yerr=(down, up),
                marker="o",
                capsize=3,
                color=_COLOURS[arm],
                label=arm.replace("_", " "),
            )
        for row in rows:
            if (row["model"], row["arm"]) == (model, "base"):
                axis.axhline(100 * row["mean"], color="black", linewidth=1, linestyle=":", label="base")
        axis.set_xscale("log")
        axis.set_xticks(SIZES, [f"{size:,}" for size in SIZES])
        axis.minorticks_off()
        axis.set_xlabel("journeys trained on")
        axis.set_title(f"{model}, equal {equal}", fontsize=10)
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("solved, %")
    axes[0][0].legend(frameon=False, fontsize=8)
    save(figure, file)
    return file
