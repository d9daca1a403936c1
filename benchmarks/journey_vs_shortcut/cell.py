"""One cell: an arm trained from the base, and what it does on the unseen problems, greedily.

python -m benchmarks.journey_vs_shortcut.cell 1m journey 2000 examples 1
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

from benchmarks.journey_vs_shortcut.base import base
from benchmarks.journey_vs_shortcut.corpora import tree_corpus
from benchmarks.journey_vs_shortcut.matched import share
from benchmarks.journey_vs_shortcut.plan import (
    GENTLER,
    LEARNING_RATE,
    OUT,
    PROBLEMS,
    REPLY,
    TRAINING,
    Cell,
    Equal,
)
from benchmarks.journey_vs_shortcut.puzzles import Share, dataset
from longthought.scenarios.load import load_scenario
from longthought.scenarios.replace_file import replace_file
from longthought.scenarios.run import RunOptions, play_to_end
from longthought.train.settings import CorpusSettings, SftSettings
from longthought.train.sft import run_sft


def play(cell: Cell) -> Path:
    """Train and evaluate the cell; its file, written whole when both are done."""
    return played(cell.name, lambda: run_sft(settings_of(cell)))


def play_base(model: str) -> Path:
    """The same of what all arms start from."""
    return played(f"{model}-base", lambda: base(model))


def played(name: str, train: Callable[[], Path]) -> Path:
    """A model trained and asked the unseen problems; the file ``cells/<name>.json`` says that both is done."""
    file = OUT / "cells" / f"{name}.json"
    if file.is_file():
        return file
    model = train()
    trained = json.loads((model / "training.json").read_bytes())
    started = time.perf_counter()
    solve(model, name)
    result = {
        "cell": name,
        "examples": trained["rows"],
        "epochs": trained["epochs"],
        "tokens_seen": trained["tokens_seen"],
        "final_loss": trained["final_loss"],
        "train_seconds": trained["seconds"],
        "sample_seconds": round(time.perf_counter() - started, 1),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, json.dumps(result))
    return file


def solve(model: Path, name: str) -> Path:
    """The run in which the model writes a thought about every unseen problem."""
    options = RunOptions(run_dir=OUT / "runs" / name, limit=PROBLEMS, max_connections=PROBLEMS)
    return play_to_end(load_scenario("countdown", alone(model.resolve(), "unseen", 0.0)), options)


def alone(model: Path | str, puzzles: Share, temperature: float) -> list[str]:
    """A model by itself, as overrides of a scenario: a whole thought and the answer behind it in one reply."""
    return [
        dataset(puzzles),
        f"models.arm={{engine: transformers, model: {model}}}",
        "protocol=long-thought",
        f"seats.policy={{model: arm, temperature: {temperature}, max_tokens: {REPLY}}}",
    ]


def settings_of(cell: Cell) -> SftSettings:
    """The training of the cell."""
    start = base(cell.model)
    rows, epochs = share(cell, start)
    return SftSettings(
        model=str(start),
        corpora=[CorpusSettings(path=tree_corpus(), kind=cell.arm, limit=rows)],
        out=OUT / "models" / cell.name,
        earlier="resume",
        learning_rate=LEARNING_RATE[cell.model] * GENTLER[cell.size],
        epochs=epochs,
        seed=cell.seed,
        **TRAINING,
    )


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    model, arm, size, equal, seed = sys.argv[1:]
    print(play(Cell(model, arm, int(size), cast(Equal, equal), int(seed))))
