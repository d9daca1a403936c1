"""Whether a training on a CPU keeps its memory: ``train sft`` with oneDNN's caches bounded, as it is, and unbounded.

``python -m benchmarks.train_memory`` prints a table and writes ``benchmarks/results/train_memory.json``; five minutes.
The embedded model (1.3 M parameters) trains on journeys of scripted debates in bfloat16, packed, on one processor
thread. oneDNN and PyTorch keep what they have compiled for the last 1,024 shapes, and packed batches bring a new shape
with nearly every step. ``train`` bounds both caches unless the environment says otherwise; on the other side it says
the libraries' defaults.

Every training is a process of its own, asked for its resident set after each step. The steps of a fifth of the training
count with the largest of theirs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.result_file import write_result
from benchmarks.train_speed import played_corpus
from benchmarks.train_speed_side import BATCH, MODEL, THREADS, our_trainer

DEBATES = 400
#: What the environment says on each side; the libraries' defaults are those of PyTorch 2.13.
SIDES: dict[str, dict[str, str]] = {
    "as it is": {},
    "libraries' defaults": {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "1024", "LRU_CACHE_CAPACITY": "1024"},
}
_FIFTHS = 5

Row = dict[str, Any]


def train(corpus: Path, out: Path, steps: int) -> Row:
    """One training in this process: its resident set after each step in MB, and what it took."""
    from transformers import TrainerCallback

    class Look(TrainerCallback):  # type: ignore[misc, unused-ignore]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            looks.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)

    looks = list[float]()
    corpora = [{"path": corpus, "kind": "journey"}]
    trainer = our_trainer(corpus, out, corpora=corpora, max_steps=steps, bf16=True, log_steps=50)
    trainer.add_callback(Look())
    before = time.process_time()
    trainer.train()
    return {"resident": looks, "cpu_seconds": time.process_time() - before}


def measure(place: Path, side: str, steps: int) -> Row:
    """One training in a fresh process."""
    place = place / side.replace(" ", "-")
    command = [sys.executable, "-m", "benchmarks.train_memory", "--steps", str(steps)]
    command += ["--corpus", str(place.parent / "corpus"), "--out", str(place)]
    environment = os.environ | SIDES[side]
    done = subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    looks: list[float] = found["resident"]
    ends = [round(len(looks) * fifth / _FIFTHS) for fifth in range(_FIFTHS + 1)]
    peaks = [round(max(looks[begin:end])) for begin, end in pairwise(ends)]
    return {"side": side, "resident_mb": peaks, "cpu_seconds": round(found["cpu_seconds"], 1)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_memory", description=__doc__)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--corpus", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.corpus:
        print(json.dumps(train(given.corpus, given.out, given.steps)))
        return
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        played_corpus(place, DEBATES, ["journey"])
        made = [measure(place, side, given.steps) for side in SIDES]
    table = Table("side", *(f"fifth {n}, MB" for n in range(1, _FIFTHS + 1)), "CPU s")
    for row in made:
        table.add_row(row["side"], *map(str, row["resident_mb"]), str(row["cpu_seconds"]))
    console = Console()
    console.print(table)
    report = {
        "command": "python -m benchmarks.train_memory",
        "model": MODEL,
        "batch": BATCH,
        "threads": THREADS,
        "steps": given.steps,
        "sides": made,
    }
    console.print(str(write_result("train_memory", report)))


if __name__ == "__main__":
    main()
