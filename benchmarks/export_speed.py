"""How fast transcripts become a corpus, what memory that takes, and whether either grows with the corpus.

``python -m benchmarks.export_speed`` prints a table and writes ``benchmarks/results/export_speed.json``; three minutes.
Debates of 24 turns by ``benchmarks.synthetic_transcripts``, 10,000 and 100,000 of them, as compressed JSON lines, to
journey, shortcut and step preference rows as JSON lines and Parquet, with two workers on two processors.

Each export runs in a fresh process. Its time is that of ``export`` from the call to the corpus in its place, with the
start of the workers and the last fsync in it. Memory is that of the process and all its children together, a look each
tenth of a second: what they have for themselves plus their share of what they have in common (PSS). The sum of their
resident sets, which counts common pages once for each process, stands beside it.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.result_file import write_result
from benchmarks.synthetic_transcripts import SAMPLES, TURNS, write_transcripts

SIZES = (10_000, 100_000)
PROCESSORS = 2
KINDS = ["journey", "shortcut", "step_preference"]
#: Seconds between two looks at the memory.
_LOOK = 0.1

_EXPORT = """
import sys, time
from pathlib import Path
from longthought.synth.corpus.export import export

source, out, kinds, workers = sys.argv[1:]
began = time.perf_counter()
manifest = export(Path(source), Path(out), kinds.split(","), workers=int(workers))
print(time.perf_counter() - began, sum(sum(counts.rows.values()) for counts in manifest.kinds.values()))
"""

Row = dict[str, Any]


def measure(source: Path, debates: int) -> Row:
    """One export, in a fresh process on ``PROCESSORS`` processors."""
    out = source.with_name("corpus")
    command = [sys.executable, "-c", _EXPORT, str(source), str(out), ",".join(KINDS), str(PROCESSORS)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        peaks = _Peaks(process.pid)
        said = process.stdout.read().split()
        peaks.stop()
    if process.returncode:
        raise SystemExit(f"the export ended with code {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    seconds = float(said[0])
    return {
        "debates": debates,
        "rows": int(said[1]),
        "corpus_mb": round(sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) / 1e6),
        "seconds": round(seconds, 2),
        "debates_a_second": round(debates / seconds),
        "cpu_ms_a_debate": round(1000 * cpu / debates, 3),
        "peak_pss_mb": round(peaks.pss / 1e6),
        "peak_rss_mb": round(peaks.rss / 1e6),
        "load": os.getloadavg()[0],
    }


class _Peaks(threading.Thread):
    """Watches the memory of a process and its descendants until it is told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pss = self.rss = 0
        self._pid = pid
        self._over = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._over.wait(_LOOK):
            looks = [_memory(pid) for pid in _tree(self._pid)]
            self.rss = max(self.rss, sum(rss for rss, _ in looks))
            self.pss = max(self.pss, sum(pss for _, pss in looks))

    def stop(self) -> None:
        self._over.set()
        self.join()


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return
    for child in children:
        yield from _tree(child)


def _memory(pid: int) -> tuple[int, int]:
    """Resident set and proportional set in bytes; zeros for a process that has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0, 0
    sizes = {line.split(":")[0]: 1024 * int(line.split()[1]) for line in lines[1:]}
    return sizes["Rss"], sizes["Pss"]


def goals(rows: list[Row]) -> list[Row]:
    """What must hold, the figure that was measured, and whether it does."""
    small, large = (
        median(row["seconds"] / row["debates"] for row in rows if row["debates"] == size) for size in SIZES
    )
    rate = min(row["debates_a_second"] for row in rows if row["debates"] == SIZES[-1])
    memory = max(row["peak_pss_mb"] for row in rows)
    return [
        _goal("transcripts a second, at the larger size", rate, "≥", 2000),
        _goal("peak memory of all processes, MB", memory, "≤", 500),
        _goal("time a transcript, larger size over smaller", round(large / small, 3), "≤", 1.15),
    ]


def _goal(what: str, value: float, sign: str, bound: float) -> Row:
    held = value >= bound if sign == "≥" else value <= bound
    return {"goal": what, "bound": f"{sign} {bound:g}", "measured": value, "held": held}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.export_speed", description=__doc__)
    parser.add_argument(
        "--repeats", type=int, default=3, help="exports of the smaller size; the larger has one"
    )
    parser.add_argument("--dir", type=Path, help="where transcripts and corpora are put, and 3 GB are free")
    given = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
    console, rows = Console(), list[Row]()
    table = Table("debates", "rows", "seconds", "debates a second", "CPU ms", "PSS MB", "RSS MB")
    for size in SIZES:
        with tempfile.TemporaryDirectory(dir=given.dir) as directory:
            source = Path(directory) / "transcripts.jsonl.zst"
            write_transcripts(source, size)
            for _ in range(given.repeats if size == SIZES[0] else 1):
                row = measure(source, size)
                rows.append(row)
                shown = (
                    "debates",
                    "rows",
                    "seconds",
                    "debates_a_second",
                    "cpu_ms_a_debate",
                    "peak_pss_mb",
                    "peak_rss_mb",
                )
                table.add_row(*(str(row[key]) for key in shown))
    console.print(table)
    judged = goals(rows)
    for goal in judged:
        console.print(
            f"{'PASS' if goal['held'] else 'FAIL'} {goal['goal']}: {goal['measured']} ({goal['bound']})"
        )
    report = {
        "command": "python -m benchmarks.export_speed",
        "debate": f"{TURNS} thoughts, each with its verdict; {SAMPLES} samples a problem",
        "kinds": KINDS,
        "formats": ["jsonl", "parquet"],
        "workers": PROCESSORS,
        "goals": judged,
        "rows": rows,
    }
    console.print(str(write_result("export_speed", report)))


if __name__ == "__main__":
    main()
