"""``longthought run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    scenario: Annotated[
        str, typer.Argument(help="A scenario file, or the name of a shipped one (countdown).")
    ],
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many problems.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key: seats.policy.temperature=0.5"),
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the run that is there.")] = False,
    force_new: Annotated[bool, typer.Option(help="Move a run that is there aside and start afresh.")] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="Debates per problem.")] = None,
    max_connections: Annotated[int, typer.Option(min=1, help="Debates in flight.")] = 64,
    run_dir: Annotated[Path | None, typer.Option(help="Instead of runs/<name>.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Tell what would be done; ask and write nothing.")] = False,
    allow_import: Annotated[
        bool, typer.Option(help="Import code that the scenario names as module:object.")
    ] = False,
    allow_code: Annotated[
        bool,
        typer.Option(help="Let the scorer unit-tests run code that models write, in a bubblewrap sandbox."),
    ] = False,
    max_retry_after: Annotated[
        float, typer.Option(min=0, help="Longest pause in seconds that a server may ask for.")
    ] = 600.0,
    attempt_timeout: Annotated[
        float | None, typer.Option(min=0.001, help="Seconds after which one request is given up.")
    ] = None,
) -> None:
    """Play a scenario's debates; they go to runs/<name>/."""
    import asyncio

    from rich.console import Console

    from longthought.agents.errors import UsageError
    from longthought.protocols.transcript_files import read_transcripts
    from longthought.scenarios.interrupts import EXIT_CODE
    from longthought.scenarios.load import load_scenario
    from longthought.scenarios.plain_text import plain
    from longthought.scenarios.run import RunOptions, run_scenario
    from longthought.scenarios.show import summary_table
    from longthought.scenarios.summary import summarise

    if resume and force_new:
        raise UsageError("--resume and --force-new: choose one of them")
    sets = [*(set_ or []), *([f"epochs={epochs}"] if epochs is not None else [])]
    loaded = load_scenario(scenario, sets)
    options = RunOptions(
        run_dir=run_dir,
        limit=limit,
        resume=resume,
        force_new=force_new,
        max_connections=max_connections,
        max_retry_after=max_retry_after,
        attempt_timeout=attempt_timeout,
        allow_import=allow_import,
        allow_code=allow_code,
    )
    out = Console()
    if dry_run:
        from longthought.scenarios.dry_run import dry_run as describe

        out.print(asyncio.run(describe(loaded, options)))
        return
    result = asyncio.run(run_scenario(loaded, options))
    if result.status == "cancelled":
        Console(stderr=True).print(
            plain(f"cancelled; go on with the same command and --resume ({result.run_dir})")
        )
        raise typer.Exit(EXIT_CODE)
    out.print(summary_table(summarise(read_transcripts(result.run_dir)), str(result.run_dir)))
    out.print(
        plain(f"longthought show {result.run_dir} --debate 0 prints a debate as a tree"), soft_wrap=True
    )
