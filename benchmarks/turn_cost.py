"""What a turn costs: our debates beside AutoGen's ``RoundRobinGroupChat``, on one loopback server, in one run.

``python -m benchmarks.turn_cost`` prints a table and writes ``benchmarks/results/turn_cost.json``; about ten minutes.

A turn is one message, that is one model call: a debate of 48 turns is 24 proposals and 24 verdicts. The server runs
in a process of its own and answers 200 ms after a request came in; every measurement runs in a fresh process and
counts the CPU time (user and system) of that process only. Ours journals to disk and reads verdicts; AutoGen's team
does neither.

Every measurement lasts as long as a debate of 48 turns: 64 debates of 12 turns are played four times over. All start
in step and drift apart over the first seconds; from then on each turn wakes the process by itself, which costs half
as much again. A short run of short debates would not see that, and history would be blamed for it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.result_file import write_result
from benchmarks.turn_cost_client import STEP, VERDICT

LATENCY = 0.2
TURNS = (12, 24, 48)
DEBATES = (64, 256)
#: It would take AutoGen minutes, and its cost per turn hardly depends on the number of debates.
LEFT_OUT = {(48, 256)}

Row = dict[str, Any]


def say(body: dict[str, Any]) -> str:
    """A step to the policy, a verdict to the critic: one model sits in both seats, told apart by its instructions."""
    return VERDICT if body["messages"][0]["content"].startswith("You are the critic") else STEP


async def serve() -> None:
    """The server's process."""
    from longthought.agents.models.loopback import LoopbackServer

    async with LoopbackServer(say, latency=LATENCY, keep_requests=False) as server:
        print(server.base_url, flush=True)
        await asyncio.Event().wait()


@contextmanager
def server() -> Generator[str]:
    """A server in a process of its own; its base URL."""
    command = [sys.executable, "-m", "benchmarks.turn_cost", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def measure(side: str, url: str, turns: int, debates: int) -> Row:
    """One measurement, in a fresh process."""
    size = (turns, debates, TURNS[-1] // turns)
    command = [sys.executable, "-m", "benchmarks.turn_cost_client", side, url, *map(str, size)]
    run: Row = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return {**run, "wall_over_latency": run["wall_s"] / (TURNS[-1] * LATENCY), "load": os.getloadavg()[0]}


def medians(size: tuple[str, int, int], runs: list[Row]) -> Row:
    """One row of the table, from all measurements of one side at one size."""
    side, turns, debates = size
    row: Row = {"side": side, "turns": turns, "debates": debates, "repeats": len(runs)}
    row |= {key: round(median(run[key] for run in runs), 4) for key in runs[0]}
    return row | {"cpu_ms_per_turn_all": [round(run["cpu_ms_per_turn"], 4) for run in runs]}


def goals(rows: list[Row]) -> list[Row]:
    """What must hold, the figure that was measured (the worst of its kind), and whether it does."""
    found = {(row["side"], row["turns"], row["debates"]): row for row in rows}
    ours = [row for row in rows if row["side"] == "ours"]

    def cpu(side: str, turns: int, debates: int) -> float:
        return float(found[side, turns, debates]["cpu_ms_per_turn"])

    ratio = min(
        cpu("autogen", turns, debates) / cpu("ours", turns, debates)
        for side, turns, debates in found
        if side == "autogen"
    )
    flat = max(
        # Pairs of one round, for the machine's pace changes from round to round.
        median(
            long / short
            for long, short in zip(
                found["ours", TURNS[-1], debates]["cpu_ms_per_turn_all"],
                found["ours", TURNS[0], debates]["cpu_ms_per_turn_all"],
                strict=True,
            )
        )
        for debates in DEBATES
    )
    wall = max(row["wall_over_latency"] for row in ours if row["debates"] == DEBATES[0])
    memory = max(row["kib_per_debate"] for row in ours)
    return [
        _goal("CPU per turn, AutoGen over ours, least of all sizes", ratio, "≥", 10.0),
        _goal("CPU per turn, 48 turns over 12, worst", flat, "≤", 1.2),
        _goal("wall over turns × latency at 64 debates, worst", wall, "≤", 1.05),
        _goal("KiB of memory per waiting debate, worst", memory, "≤", 100.0),
    ]


def _goal(what: str, value: float, sign: str, bound: float) -> Row:
    held = value >= bound if sign == "≥" else value <= bound
    return {"goal": what, "bound": f"{sign} {bound:g}", "measured": round(value, 3), "held": held}


def table(rows: list[Row]) -> Table:
    out = Table(
        "",
        "turns",
        "debates",
        "CPU ms a turn",
        "× ours",
        "wall s",
        "wall / latency",
        "queued s",
        "KiB a debate",
    )
    ours = {(row["turns"], row["debates"]): row for row in rows if row["side"] == "ours"}
    for row in rows:
        times = row["cpu_ms_per_turn"] / ours[row["turns"], row["debates"]]["cpu_ms_per_turn"]
        out.add_row(
            row["side"],
            str(row["turns"]),
            str(row["debates"]),
            f"{row['cpu_ms_per_turn']:.3f}",
            f"{times:.1f}",
            f"{row['wall_s']:.2f}",
            f"{row['wall_over_latency']:.3f}",
            f"{row['queued_s']:.2f}",
            f"{row['kib_per_debate']:.0f}",
        )
    return out


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turn_cost", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("measure", "serve"), default="measure")
    parser.add_argument(
        "--repeats", type=int, default=5, help="measurements of ours per size; AutoGen has one"
    )
    given = parser.parse_args()
    if given.command == "serve":
        asyncio.run(serve())
        return
    console, runs = Console(), defaultdict[tuple[str, int, int], list[Row]](list)
    with server() as url:
        # Size after size and all over again, so that no size has the quiet hour to itself.
        for repeat in range(given.repeats):
            for debates in DEBATES:
                for turns in TURNS:
                    for side in ("ours", "autogen"):
                        if side == "autogen" and (repeat or (turns, debates) in LEFT_OUT):
                            continue
                        run = measure(side, url, turns, debates)
                        runs[side, turns, debates].append(run)
                        console.print(
                            f"{side} {turns}×{debates}: {run['cpu_ms_per_turn']:.3f} ms, {run['wall_s']:.2f} s"
                        )
    rows = [medians(size, found) for size, found in runs.items()]
    console.print(table(rows))
    judged = goals(rows)
    for goal in judged:
        verdict = "[green]PASS[/]" if goal["held"] else "[red]FAIL[/]"
        console.print(f"{verdict} {goal['goal']}: {goal['measured']} ({goal['bound']})")
    console.print(
        "AutoGen is left out at " + ", ".join(f"{t} turns × {d} debates" for t, d in sorted(LEFT_OUT))
    )
    write_result("turn_cost", _report(rows, judged))


def _report(rows: list[Row], judged: list[Row]) -> Row:
    return {
        "command": "python -m benchmarks.turn_cost",
        "clients": {name: version(name) for name in ("autogen-ext", "aiohttp", "orjson", "pydantic")},
        "latency_s": LATENCY,
        "turn": "one message, one model call; 48 turns are 24 proposals and 24 verdicts",
        "left_out": [f"autogen, {turns} turns × {debates} debates" for turns, debates in sorted(LEFT_OUT)],
        "goals": judged,
        "rows": rows,
    }


if __name__ == "__main__":
    main()
