"""``longthought tamper``: faults of known kinds at known places, to measure critics on and to train them with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def tamper(
    source: Annotated[
        str,
        typer.Argument(help="A file of right labelled solutions (GSM8K too), or a Countdown scenario."),
    ],
    out: Annotated[Path, typer.Option(help="Directory for the solutions and the critic's training rows.")],
    kinds: Annotated[str, typer.Option(help="Kinds of faults, with commas; all unless given.")] = "",
    critic_of: Annotated[
        str | None, typer.Option(help="A scenario: the training rows are written for its critic.")
    ] = None,
    missed_only: Annotated[
        bool, typer.Option(help="Keep a fault only if that critic misses it in at least 1 of 3 samples.")
    ] = False,
    objection: Annotated[
        Literal["reflect", "backtrack"],
        typer.Option(help="What the rows teach the critic to do about a fault."),
    ] = "reflect",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many right solutions.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the scenario.")
    ] = None,
    max_connections: Annotated[int, typer.Option(min=1, help="Solutions at once.")] = 64,
    seed: Annotated[int, typer.Option(help="Of the places and the faults.")] = 0,
) -> None:
    """Plant typed faults into right solutions."""
    import asyncio
    from typing import cast

    from rich.console import Console
    from rich.table import Table

    from longthought.agents.errors import UsageError
    from longthought.scenarios.cli_corpus import names
    from longthought.scenarios.plain_text import plain
    from longthought.scenarios.tampering import SOLUTIONS, TamperOptions
    from longthought.scenarios.tampering import tamper as plant
    from longthought.synth.tamper.fault import KINDS, Kind

    chosen = names(kinds) or list(KINDS)
    if unknown := sorted({*chosen} - {*KINDS}):
        raise UsageError(f"--kinds: there is no kind {unknown[0]!r}; there are {', '.join(KINDS)}")
    options = TamperOptions(
        out=out,
        kinds=tuple(cast("list[Kind]", chosen)),
        sets=tuple(set_ or ()),
        limit=limit,
        seed=seed,
        critic_of=critic_of,
        missed_only=missed_only,
        objection=objection,
        max_at_once=max_connections,
    )
    counts = asyncio.run(plant(source, options))
    table = Table("solutions", "", header_style="bold")
    for kind, count in counts.items():
        table.add_row(kind, str(count))
    console = Console()
    console.print(table)
    console.print(plain(f"longthought judge REWARD_OR_SCENARIO --data {out / SOLUTIONS}"), soft_wrap=True)
