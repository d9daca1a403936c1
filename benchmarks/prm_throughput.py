"""How fast the learned step scorer reads, beside plain batched forward passes of the same weights, in one run.

``python -m benchmarks.prm_throughput`` prints a table and writes ``benchmarks/results/prm_throughput.json``; two
minutes on an idle core. The weights are the embedded ones.

- Paths: straight paths of different problems, all waiting at once. Ours lays them out, tokenises, packs and reads them;
  the plain pass gets their token ids, in batches of paths of like length, padded.
- Trees: every node of a tree of thoughts is a path, all waiting at once. The plain pass over as many tokens as the
  trees have distinct ones gets them as rows without any padding, as long as the paths are on average (what it computes
  means nothing); the plain pass over all paths gets every path by itself, batched as above.

The machine is shared. So torch computes in one thread, both sides are run in turns, ratios are taken within each round
and their median told; and beside the seconds on the clock those of the processor, which waiting for it adds nothing to.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.result_file import write_result
from longthought.agents.models.embedded import embedded_path
from longthought.agents.rewards.prm.conventions import LONGTHOUGHT
from longthought.agents.rewards.prm.in_process import InProcessPrm
from longthought.agents.rewards.prm.layout import StepLayout

#: Paths in a padded batch of the plain pass.
BATCH = 16
MOST = 1.2

Row = dict[str, Any]
#: A question and steps.
Solution = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Plain:
    """The weights as transformers loads them, and nothing else."""

    model: Any
    tokenizer: Any

    @classmethod
    def load(cls) -> Plain:
        from transformers import AutoModelForTokenClassification, AutoTokenizer

        path = str(embedded_path("step_scorer"))
        loaders: tuple[Any, Any] = (AutoModelForTokenClassification, AutoTokenizer)
        return cls(loaders[0].from_pretrained(path).eval(), loaders[1].from_pretrained(path))

    def tokens(self, solutions: Sequence[Solution]) -> list[list[int]]:
        layout = StepLayout(LONGTHOUGHT, self.tokenizer)
        return [layout.encode(*solution)[0] for solution in solutions]

    def read(self, rows: Sequence[list[int]]) -> None:
        """One pass for every ``BATCH`` rows of like length."""
        ordered = sorted(rows, key=len)
        for start in range(0, len(ordered), BATCH):
            batch = ordered[start : start + BATCH]
            ids = torch.zeros((len(batch), len(batch[-1])), dtype=torch.long)
            mask = torch.zeros_like(ids)
            for at, row in enumerate(batch):
                ids[at, : len(row)] = torch.tensor(row)
                mask[at, : len(row)] = 1
            with torch.inference_mode():
                torch.softmax(self.model(input_ids=ids, attention_mask=mask).logits, dim=-1)


class Ours:
    """The reward's own way, tokenising included."""

    def __init__(self) -> None:
        self.prm = InProcessPrm(
            str(embedded_path("step_scorer")), LONGTHOUGHT, device="cpu", dtype="auto", max_batch=2048
        )

    async def read(self, solutions: Sequence[Solution]) -> int:
        """Read all at once; how many tokens went through the model."""
        before = self.prm.computed
        await asyncio.gather(*(self.prm.probabilities(*solution) for solution in solutions))
        return self.prm.computed - before


def step(dice: random.Random) -> str:
    """A line that looks like a step of Countdown."""
    a, b = dice.randint(1, 99), dice.randint(1, 99)
    sign, value = dice.choice([("+", a + b), ("-", abs(a - b)), ("*", a * b)])
    left = " ".join(str(dice.randint(1, 99)) for _ in range(dice.randint(1, 4)))
    return f"{a}{sign}{b}={value} [{left} {value}]"


def question(dice: random.Random) -> str:
    numbers = " ".join(str(dice.randint(1, 99)) for _ in range(dice.randint(3, 6)))
    return f"reach {dice.randint(10, 999)} with {numbers}?"


def straight(dice: random.Random) -> Solution:
    """A path of 1 to 12 steps."""
    return question(dice), tuple(step(dice) for _ in range(dice.randint(1, 12)))


def tree(dice: random.Random, thoughts: int) -> list[Solution]:
    """Every node's path in a tree such as a debate leaves: one in three thoughts goes back to some ancestor first."""
    asked = question(dice)
    nodes: list[tuple[str, ...]] = [()]
    here: tuple[str, ...] = ()
    for _ in range(thoughts):
        if here and dice.random() < 1 / 3:
            here = here[: dice.randrange(len(here))]
        here = (*here, step(dice))
        nodes.append(here)
    return [(asked, steps) for steps in nodes[1:]]


def distinct_tokens(rows: Sequence[list[int]], solutions: Sequence[Solution]) -> int:
    """Distinct prefixes of token ids, problem by problem: the plain definition of what must be computed."""
    return len(
        {
            (asked, tuple(row[: at + 1]))
            for row, (asked, _) in zip(rows, solutions, strict=True)
            for at in range(len(row))
        }
    )


@dataclass(frozen=True)
class Seconds:
    """Since a moment: on the clock, and of the processor."""

    clock: float
    processor: float

    @classmethod
    def now(cls) -> Seconds:
        return cls(time.perf_counter(), time.process_time())

    def since(self) -> Seconds:
        now = Seconds.now()
        return Seconds(now.clock - self.clock, now.processor - self.processor)


@dataclass(frozen=True)
class Round:
    """What the sides took for the same paths, and how many tokens ours computed."""

    ours: Seconds
    distinct: Seconds
    all: Seconds
    computed: int
    paths: int
    tokens: int
    distinct_tokens: int


async def one_round(ours: Ours, plain: Plain, solutions: Sequence[Solution], number: int) -> Round:
    """Every side once; who begins changes from round to round."""
    rows = plain.tokens(solutions)
    tokens, distinct = sum(map(len, rows)), distinct_tokens(rows, solutions)
    packed = unpadded(rows, distinct)
    took: dict[str, Seconds] = {}
    computed = 0
    order = ["ours", "distinct", "all"]
    for side in order[number % 3 :] + order[: number % 3]:
        started = Seconds.now()
        if side == "ours":
            computed = await ours.read(solutions)
        else:
            plain.read(packed if side == "distinct" else rows)
        took[side] = started.since()
    return Round(**took, computed=computed, paths=len(rows), tokens=tokens, distinct_tokens=distinct)


async def measure(what: str, make: Callable[[random.Random], list[Solution]], repeats: int) -> Row:
    """Rounds of: ours, the plain pass over as many distinct tokens, the plain pass over all paths."""
    dice = random.Random(what)
    ours, plain = Ours(), Plain.load()
    await one_round(ours, plain, make(dice), 0)  # warms up
    rounds = [await one_round(ours, plain, make(dice), number) for number in range(repeats)]
    await ours.prm.close()
    clock = [each.ours.clock / each.distinct.clock for each in rounds]
    processor = [each.ours.processor / each.distinct.processor for each in rounds]
    return {
        "what": what,
        "repeats": repeats,
        "paths": round(median(each.paths for each in rounds)),
        "tokens": round(median(each.tokens for each in rounds)),
        "distinct_tokens": round(median(each.distinct_tokens for each in rounds)),
        "computed_over_distinct": max(each.computed / each.distinct_tokens for each in rounds),
        "paths_per_s": round(median(each.paths / each.ours.clock for each in rounds), 1),
        "over_plain_distinct": round(median(clock), 3),
        "over_plain_distinct_all": [round(ratio, 3) for ratio in clock],
        "over_plain_distinct_processor": round(median(processor), 3),
        "over_plain_distinct_processor_all": [round(ratio, 3) for ratio in processor],
        "plain_all_over_ours": round(median(each.all.clock / each.ours.clock for each in rounds), 3),
        "plain_all_over_ours_processor": round(
            median(each.all.processor / each.ours.processor for each in rounds), 3
        ),
        "load": round(os.getloadavg()[0], 1),
    }


def unpadded(rows: Sequence[list[int]], tokens: int) -> list[list[int]]:
    """So many tokens, as rows of the mean length of ``rows``."""
    flat = [token for row in rows for token in row][:tokens]
    width = sum(map(len, rows)) // len(rows)
    return [flat[start : start + width] for start in range(0, tokens, width)]


def goals(paths: Row, trees: Row) -> list[Row]:
    """What must hold, the figure that was measured, and whether it does."""
    return [
        _goal(
            "paths: time over a plain batched pass over the same tokens", paths["over_plain_distinct"], MOST
        ),
        _goal("paths: the same in processor time", paths["over_plain_distinct_processor"], MOST),
        _goal(
            "trees: tokens computed over distinct tokens, worst round", trees["computed_over_distinct"], 1.0
        ),
        _goal("trees: time over a plain pass over as many tokens", trees["over_plain_distinct"], MOST),
        _goal("trees: the same in processor time", trees["over_plain_distinct_processor"], MOST),
    ]


def _goal(what: str, value: float, bound: float) -> Row:
    return {"goal": what, "bound": f"≤ {bound:g}", "measured": round(value, 3), "held": value <= bound}


def table(rows: Sequence[Row]) -> Table:
    out = Table(
        "",
        "paths",
        "tokens",
        "distinct",
        "paths/s",
        "ours / plain, distinct",
        "processor",
        "plain, all / ours",
    )
    for row in rows:
        out.add_row(
            row["what"],
            str(row["paths"]),
            str(row["tokens"]),
            str(row["distinct_tokens"]),
            f"{row['paths_per_s']:.0f}",
            f"{row['over_plain_distinct']:.2f}",
            f"{row['over_plain_distinct_processor']:.2f}",
            f"{row['plain_all_over_ours']:.2f}",
        )
    return out


async def run(repeats: int, paths: int, trees: int, thoughts: int) -> Row:
    straights = await measure("paths", lambda dice: [straight(dice) for _ in range(paths)], repeats)
    forests = await measure(
        "trees", lambda dice: [node for _ in range(trees) for node in tree(dice, thoughts)], repeats
    )
    return {"thoughts": thoughts, "rows": [straights, forests], "goals": goals(straights, forests)}


def main() -> None:
    """Measure, print, and write the result file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prm_throughput", description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--paths", type=int, default=64)
    parser.add_argument("--trees", type=int, default=8)
    parser.add_argument("--thoughts", type=int, default=24)
    parser.add_argument("--write", action=argparse.BooleanOptionalAction, default=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    result = asyncio.run(run(given.repeats, given.paths, given.trees, given.thoughts))
    console = Console()
    console.print(table(result["rows"]))
    for goal in result["goals"]:
        console.print(
            f"{'held' if goal['held'] else 'MISSED'}: {goal['goal']}: {goal['measured']} ({goal['bound']})"
        )
    if given.write:
        console.print(str(write_result("prm_throughput", result)))


if __name__ == "__main__":
    main()
