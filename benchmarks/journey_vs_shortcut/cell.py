"""One cell: an arm trained from the base, and what it does on the unseen problems, greedily.

python -m benchmarks.journey_vs_shortcut.cell 1m journey 2000 examples 1
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import time
from pathlib import Path
from typing import Any, cast

from benchmarks.journey_vs_shortcut.base import base
from benchmarks.journey_vs_shortcut.corpora import tree_corpus
from benchmarks.journey_vs_shortcut.matched import share
from benchmarks.journey_vs_shortcut.plan import LEARNING_RATE, OUT, REPLY, TRAINING, Cell, Equal
from benchmarks.journey_vs_shortcut.thoughts import ways_of
from benchmarks.journey_vs_shortcut.trees import unseen
from longthought.agents.models.contract import Message, Reply, Sampling
from longthought.agents.models.transformers_engine import TransformersModel
from longthought.agents.problems import Problem
from longthought.agents.rewards.countdown import check_expression, puzzle_of
from longthought.scenarios.distilling import thought_and_response
from longthought.train.settings import CorpusSettings, SftSettings
from longthought.train.sft import run_sft

_ANSWER = "Answer: "


def play(cell: Cell) -> Path:
    """Train and evaluate the cell; its file, written whole when both are done."""
    file = OUT / "cells" / f"{cell.name}.json"
    if file.is_file():
        return file
    started = time.perf_counter()
    model = run_sft(_settings(cell))
    trained = json.loads((model / "training.json").read_bytes())
    at = time.perf_counter()
    problems = unseen()
    replies = asyncio.run(_replies(model, problems))
    rows = [_row(problem, reply) for problem, reply in zip(problems, replies, strict=True)]
    result = {
        "cell": cell.name,
        "examples": trained["rows"],
        "epochs": trained["epochs"],
        "tokens_seen": trained["tokens_seen"],
        "final_loss": trained["final_loss"],
        "train_seconds": round(at - started, 1),
        "sample_seconds": round(time.perf_counter() - at, 1),
        "problems": rows,
    }
    texts = OUT / "cells" / f"{cell.name}.replies.json.gz"
    texts.parent.mkdir(parents=True, exist_ok=True)
    texts.write_bytes(gzip.compress(json.dumps([reply.text for reply in replies]).encode()))
    file.with_suffix(".partial").write_text(json.dumps(result), "utf-8")
    file.with_suffix(".partial").rename(file)
    return file


def _settings(cell: Cell) -> SftSettings:
    start = base(cell.model)
    rows, epochs = share(cell, start)
    return SftSettings(
        model=str(start),
        corpora=[CorpusSettings(path=tree_corpus(), kind=cell.arm, limit=rows)],
        out=OUT / "models" / cell.name,
        overwrite=True,
        learning_rate=LEARNING_RATE,
        epochs=epochs,
        seed=cell.seed,
        **TRAINING,
    )


async def _replies(model: Path, problems: list[Problem]) -> list[Reply]:
    engine = TransformersModel(model, max_batch=128)
    greedy = Sampling(temperature=0.0, max_tokens=REPLY)
    try:
        asked = [engine.sample([Message("user", problem.question)], greedy) for problem in problems]
        return [reply for (reply,) in await asyncio.gather(*asked)]
    finally:
        await engine.close()


def _row(problem: Problem, reply: Reply) -> dict[str, Any]:
    puzzle = puzzle_of(problem)
    assert puzzle is not None
    thought, response = thought_and_response(reply)
    answer = response.strip().removeprefix(_ANSWER)
    ways = ways_of(thought, puzzle)
    return {
        "id": problem.id,
        "right": reply.finish != "length" and check_expression(answer, puzzle.numbers, puzzle.target).ok,
        "cut": reply.finish == "length",
        "tokens": reply.usage.completion,
        "backs": ways.backs,
        "valid_backs": ways.valid,
        "steps": ways.steps,
        "legal_steps": ways.legal,
    }


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    model, arm, size, equal, seed = sys.argv[1:]
    print(play(Cell(model, arm, int(size), cast(Equal, equal), int(seed))))
