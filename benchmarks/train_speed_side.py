"""One side of ``benchmarks.train_speed``, in a process of its own: trains an epoch and prints what it took.

``python -m benchmarks.train_speed_side SIDE ROWS OUT``; sides are the keys of ``SIDES``. ``order`` trains nothing, and
prints the order in which ``train sft`` takes the rows.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

MODEL = "agents/embedded/lm"
BATCH = 8
THREADS = 1
LEARNING_RATE = 1e-3

#: ``train sft`` with these settings, and the plain script with these arguments. All log every step.
OURS: dict[str, dict[str, Any]] = {
    "ours": {},
    "ours-float32": {"bf16": False},
    "ours-float32-padded": {"bf16": False, "packing": False},
}
PLAIN: dict[str, dict[str, Any]] = {
    "plain-bfloat16": {"bf16": True},
    "plain-float32": {"bf16": False},
    "plain-float32-our-order": {"bf16": False, "train_sampling_strategy": "sequential"},
    "trl-packing-float32": {"bf16": False, "packing": True, "per_device_train_batch_size": 1},
}
SIDES = (*OURS, *PLAIN)


def our_trainer(rows: Path, out: Path, **given: Any) -> Any:
    """What ``longthought train sft`` trains with."""
    from longthought.train.arguments import prepare_libraries

    prepare_libraries()
    from longthought.train.corpus import read_rows
    from longthought.train.settings import SftSettings
    from longthought.train.sft import sft_trainer
    from longthought.train.starting_point import find_start
    from longthought.train.tokenise import tokenise_rows

    settings = SftSettings.model_validate(
        {
            "model": MODEL,
            "corpora": [{"path": rows, "kind": "rows"}],
            "out": out,
            "learning_rate": LEARNING_RATE,
            # The plain script's defaults, for equal losses.
            "scheduler": "linear",
            "warmup": 0,
            "batch": BATCH,
            "threads": THREADS,
            "device": "cpu",
            "log_steps": 1,
            "seed": 42,
            **given,
        }
    )
    start = find_start(settings)
    model, tokenizer = start.weights(), start.tokenizer
    corpus = tokenise_rows(read_rows(settings.corpora), tokenizer, max_length=settings.max_length)
    return sft_trainer(settings, model, tokenizer, corpus.dataset)


def trainer_of(side: str, rows: Path, out: Path) -> Any:
    if side in OURS:
        return our_trainer(rows, out, **OURS[side])
    import torch

    from benchmarks.plain_sft import plain_trainer

    torch.set_num_threads(THREADS)
    given = {"model": MODEL, "per_device_train_batch_size": BATCH, "learning_rate": LEARNING_RATE}
    if PLAIN[side].get("packing"):
        # A packed sequence holds about the tokens of a batch, and no row is cut.
        lengths = [len(json.loads(line)["input_ids"]) for line in rows.read_text().splitlines()]
        given["max_length"] = max(max(lengths), BATCH * sum(lengths) // len(lengths))
    return plain_trainer(str(rows), str(out), **{**given, **PLAIN[side]})


def main() -> None:
    side, rows, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if side == "order":
        trainer = our_trainer(rows, out)
        print(json.dumps([int(row) for row in trainer._get_train_sampler()]))
        return
    trainer = trainer_of(side, rows, out)
    wall, cpu = time.perf_counter(), time.process_time()
    trainer.train()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    print(json.dumps({"seconds": wall, "cpu_seconds": cpu, "losses": losses}))


if __name__ == "__main__":
    main()
