"""How fast ``train sft`` is beside a plain TRL script, on the same rows, from the same model, in how much memory.

``python -m benchmarks.train_speed`` prints a table and writes ``benchmarks/results/train_speed.json``; ten minutes.
The embedded model (1.3 M parameters) trains one epoch in batches of 8 rows on one processor thread:

- journeys of scripted debates, and
- short rows among a few long ones: shortcuts, one row in 20 a whole dialogue.

The plain script is ``benchmarks/plain_sft.py``: TRL's defaults, but neither side checkpoints gradients. It computes in
bfloat16 like ours unless told otherwise, pads batches of random rows, and logs entropy and accuracy; ``train sft``
packs batches of rows of similar length and logs, for this small vocabulary, the loss alone. ``trl-packing`` is the same
script with ``packing=True`` and sequences of about a batch's tokens: other steps than ours, so only its speed compares.

Every training is a process of its own; sides take turns. Tokens are those of the rows, without padding. A second is one
of processor time of ``trainer.train()``, which other work on the machine disturbs less; that on the clock stands beside
it. Memory is the process's largest resident set. The curves of the loss are compared step by step in float32, the plain
script given the rows in our order.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.result_file import write_result
from benchmarks.train_speed_side import BATCH, MODEL, THREADS

Row = dict[str, Any]

STEPS = 12
_DIALOGUE_EVERY = 20
_SIDES = (
    "plain-float32",
    "ours-float32",
    "plain-bfloat16",
    "ours",
    "ours-float32-padded",
    "trl-packing-float32",
)


def corpora(place: Path) -> dict[str, list[Row]]:
    """The rows of each measurement as token ids and labels, from debates played now."""
    kinds = ["journey", "shortcut", "dialogue"]
    played_corpus(place, 100, kinds)
    journeys, shortcuts, dialogues = (tokenised(place / "corpus", kind) for kind in kinds)
    wanted = BATCH * STEPS
    return {
        "journeys": list(islice(journeys, wanted)),
        "short rows": list(islice(one_in(shortcuts, dialogues, _DIALOGUE_EVERY), wanted)),
    }


def played_corpus(place: Path, debates: int, kinds: Sequence[str]) -> None:
    """``place/corpus``, of so many scripted debates."""
    command = [sys.executable, "-c", "from longthought.scenarios.cli import main; main()"]
    run = [*command, "run", "countdown-teacher", "--limit", str(debates)]
    export = [*command, "export", "countdown-teacher", "--out", "corpus", "--kinds", ",".join(kinds)]
    for step in (run, export):
        subprocess.run(step, cwd=place, check=True, capture_output=True)


def tokenised(corpus: Path, kind: str) -> Iterator[Row]:
    from longthought.synth.tokens.load import load_tokenizer
    from longthought.train.corpus import read_rows
    from longthought.train.settings import CorpusSettings
    from longthought.train.tokenise import tokenise_rows

    rows = read_rows([CorpusSettings(path=corpus, kind=kind, limit=BATCH * STEPS)])
    for row in tokenise_rows(rows, load_tokenizer(MODEL), max_length=2048).dataset:
        yield {"input_ids": row["input_ids"], "labels": row["labels"]}


def one_in(many: Iterable[Row], few: Iterable[Row], n: int) -> Iterator[Row]:
    """Rows of ``many``, but each ``n``-th is one of ``few``."""
    often, rarely = iter(many), iter(few)
    while True:
        group = [*islice(often, n - 1), *islice(rarely, 1)]
        yield from group
        if len(group) < n:
            return


def write(file: Path, rows: Iterable[Row]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def measure(side: str, rows: Path) -> Any:
    """One training in a fresh process: what it printed last, and its peak memory."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.train_speed_side",
        side,
        str(rows),
        str(rows.with_suffix(".out")),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read().splitlines()
        _, code, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode:
        raise SystemExit(f"{side} ended with code {process.returncode}")
    found: Any = json.loads(said[-1])
    return found | {"peak_rss_mb": round(usage.ru_maxrss / 1e3)} if isinstance(found, dict) else found


def speed(name: str, rows: list[Row], file: Path, repeats: int) -> list[Row]:
    """Every side ``repeats`` times, in turns; the median of each."""
    tokens = sum(len(row["input_ids"]) for row in rows)
    runs = {side: list[Any]() for side in _SIDES}
    for _ in range(repeats):
        for side in _SIDES:
            run = measure(side, file)
            runs[side].append(run)
            print(
                f"{name}, {side}: {tokens / run['cpu_seconds']:,.0f} tokens a second, {run['peak_rss_mb']} MB",
                flush=True,
            )
    return [
        {
            "rows": name,
            "side": side,
            "tokens_per_cpu_second": round(tokens / median(run["cpu_seconds"] for run in made)),
            "tokens_per_second": round(tokens / median(run["seconds"] for run in made)),
            "peak_rss_mb": round(median(run["peak_rss_mb"] for run in made)),
            "steps": len(made[0]["losses"]),
        }
        for side, made in runs.items()
    ]


def furthest(curve: Iterable[float], other: Iterable[float]) -> float:
    """The largest difference between two losses of the same step."""
    return max(abs(one - two) for one, two in zip(curve, other, strict=True))


def curves(rows: list[Row], file: Path) -> dict[str, float]:
    """How far our loss is from the plain script's, given the rows in our order, packed and padded."""
    order = measure("order", file)
    ordered = write(file.with_name("ordered.jsonl"), (rows[n] for n in order))
    plain = measure("plain-float32-our-order", ordered)["losses"]
    return {
        side: furthest(plain, measure(side, file)["losses"])
        for side in ("ours-float32-padded", "ours-float32")
    }


def goals(made: list[Row], apart: dict[str, float]) -> list[Row]:
    """What must hold, the figure that was measured, and whether it does."""
    found = {(row["rows"], row["side"]): row for row in made}

    def ratio(rows: str, ours: str, plain: str, key: str) -> float:
        return round(float(found[rows, ours][key] / found[rows, plain][key]), 3)

    judged = list[Row]()
    for ours, plain in (("ours-float32", "plain-float32"), ("ours", "plain-bfloat16")):
        for rows, bound in (("journeys", 1), ("short rows", 2)):
            what = f"{rows}: tokens a second, {ours} over {plain}"
            judged.append(_goal(what, ratio(rows, ours, plain, "tokens_per_cpu_second"), "≥", bound))
            what = f"{rows}: peak memory, {ours} over {plain}"
            judged.append(_goal(what, ratio(rows, ours, plain, "peak_rss_mb"), "≤", 1))
    for side, distance in apart.items():
        judged.append(_goal(f"loss of each step, {side} from the plain script's", distance, "≤", 1e-4))
    return judged


def _goal(what: str, value: float, sign: str, bound: float) -> Row:
    held = value >= bound if sign == "≥" else value <= bound
    return {"goal": what, "bound": f"{sign} {bound:g}", "measured": value, "held": held}


def lengths(rows: list[Row]) -> dict[str, int]:
    ordered = sorted(len(row["input_ids"]) for row in rows)
    return {
        "rows": len(ordered),
        "tokens": sum(ordered),
        "shortest": ordered[0],
        "median": round(median(ordered)),
        "longest": ordered[-1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_speed", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="trainings of each side")
    given = parser.parse_args()
    console, made = Console(), list[Row]()
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        sets = corpora(place)
        files = {name: write(place / f"rows-{n}.jsonl", rows) for n, (name, rows) in enumerate(sets.items())}
        for name, rows in sets.items():
            made += speed(name, rows, files[name], given.repeats)
        apart = curves(sets["journeys"], files["journeys"])
    table = Table("rows", "side", "tokens / CPU s", "tokens / s", "peak MB")
    for row in made:
        keys = ("rows", "side", "tokens_per_cpu_second", "tokens_per_second", "peak_rss_mb")
        table.add_row(*(str(row[key]) for key in keys))
    console.print(table)
    judged = goals(made, apart)
    for goal in judged:
        console.print(
            f"{'PASS' if goal['held'] else 'FAIL'} {goal['goal']}: {goal['measured']} ({goal['bound']})"
        )
    report = {
        "command": "python -m benchmarks.train_speed",
        "model": MODEL,
        "batch": BATCH,
        "threads": THREADS,
        "repeats": given.repeats,
        "load": os.getloadavg()[0],
        "rows": {name: lengths(rows) for name, rows in sets.items()},
        "goals": judged,
        "sides": made,
    }
    console.print(str(write_result("train_speed", report)))


if __name__ == "__main__":
    main()
