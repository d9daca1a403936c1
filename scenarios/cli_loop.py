"""``longthought loop``: a model samples, learns from what it sampled, and samples again; resumable at every stage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from longthought.train.loops.account import Line


def loop(
    kind: Annotated[
        Literal["star", "explore", "cotrain", "dpo"],
        typer.Argument(
            help="STaR; imitate, explore, self-improve; policy and critic together; iterated DPO.",
            show_default=False,
        ),
    ],
    config: Annotated[Path, typer.Option(help="A YAML file of settings.")],
    out: Annotated[Path, typer.Option(help="The loop's directory; what is whole there is not done again.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting: samples=8")
    ] = None,
    max_connections: Annotated[int, typer.Option(min=1, help="Samples or debates at once.")] = 64,
    allow_import: Annotated[
        bool, typer.Option(help="Import code that a scenario names as module:object.")
    ] = False,
    allow_code: Annotated[
        bool, typer.Option(help="Let a scorer run code that models write, in a sandbox.")
    ] = False,
) -> None:
    """Train in rounds on what the model itself samples. The same command goes on where it stopped."""
    from rich.console import Console

    from longthought.scenarios.loop_asking import How
    from longthought.scenarios.looping import LOOPS, play_loop
    from longthought.scenarios.plain_text import plain
    from longthought.train.settings import load_settings

    settings = load_settings(config, set_ or (), schema=LOOPS[kind].settings)
    aside = Console(stderr=True)

    def say(stage: str, there: bool) -> None:
        aside.print(plain(f"{stage}: is there already" if there else stage), soft_wrap=True)

    lines = play_loop(kind, settings, out, How(max_connections, allow_import, allow_code), say)
    console = Console()
    console.print(_table(lines))
    console.print(
        plain(f"{out} (rounds.csv, rounds.json, the data and models of each round)"), soft_wrap=True
    )


def _table(lines: list[Line]) -> Table:
    from rich.table import Table

    table = Table(header_style="bold")
    for column in ("round", "asked", "solved", "by hint", "tokens", "rows"):
        table.add_column(column, justify="right")
    for column in ("held out", "95 %", "gained", "p"):
        table.add_column(column, justify="right", no_wrap=True)
    for line in lines:
        told = line.figures
        measured = ("", "", "", "")
        if line.accuracy is not None and line.gained is not None:
            measured = (
                f"{line.accuracy:.1%}",
                f"{line.low:.1%} to {line.high:.1%}",
                f"{line.gained:+.1%}",
                f"{line.p:.2g}",
            )
        numbers = (told.round, told.asked, told.solved, told.hinted, told.tokens, told.rows)
        table.add_row(*map(str, numbers), *measured)
    return table
