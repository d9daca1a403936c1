"""Trainings in processes of their own: they share nothing, each is on one processor, and its memory is given back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.journey_vs_shortcut.plan import OUT


def in_processes(module: str, jobs: Mapping[str, Sequence[str]], at_once: int) -> None:
    """Run the module with each job's arguments, ``at_once`` side by side; what they print goes to ``cells/<job>.log``.

    Raises:
        SystemExit: one of them failed.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress, ThreadPoolExecutor(at_once) as pool:
        task = progress.add_task("cells", total=len(jobs))
        ended = pool.map(lambda job: _run(module, *job), jobs.items())
        for job, code in zip(jobs, ended, strict=True):
            progress.update(task, advance=1, description=job)
            if code:
                raise SystemExit(f"{job} failed; see {OUT / 'cells' / job}.log")


def _run(module: str, job: str, arguments: Sequence[str]) -> int:
    log = OUT / "cells" / f"{job}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments], stdout=out, stderr=subprocess.STDOUT
        ).returncode
