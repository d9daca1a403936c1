"""``longthought report``: how well the critic of a run judged, counted against a truth that no seat was shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from longthought.scenarios.report import Count
    from longthought.synth.agreement import Agreement


def report(
    run: Annotated[
        str, typer.Argument(help="A run's directory, its name under runs/, or a file of transcripts.")
    ],
    truth: Annotated[
        str | None,
        typer.Option(help="A reward that says whether a step is right; found by itself for Countdown."),
    ] = None,
    disagreements: Annotated[
        Path | None,
        typer.Option(
            help="Write the thoughts on which a panel disagreed here, as JSON lines, most disputed first."
        ),
    ] = None,
    allow_import: Annotated[bool, typer.Option(help="Import code that is named as module:object.")] = False,
) -> None:
    """Count a critic's false backtracks, missed errors and useful reflections; of a panel, how far it agreed."""
    import asyncio

    from rich.console import Console

    from longthought.scenarios.plain_text import plain
    from longthought.scenarios.report import count, panel_agreement, write_disagreements

    console = Console()
    console.print(_table(asyncio.run(count(run, truth, allow_import=allow_import))))
    if (agreed := panel_agreement(run)) is not None:
        console.print(_agreement(agreed))
    if disagreements is not None:
        written = write_disagreements(run, disagreements)
        console.print(plain(f"{written} disputed thoughts in {disagreements}"), soft_wrap=True)


def _table(counted: Count) -> Table:
    from rich.table import Table

    from longthought.scenarios.plain_text import plain

    table = Table(
        show_header=False, title=plain(f"{counted.debates} debates, judged against {counted.truth}")
    )
    account = counted.account
    judged = account.right + account.wrong
    table.add_row("thoughts judged", f"{judged}: {account.right} right, {account.wrong} first wrong ones")
    table.add_row(
        "false backtracks", _share(account.false_backtracks, account.right, "of the right thoughts")
    )
    table.add_row("missed errors", _share(account.missed_errors, account.wrong, "of the wrong thoughts"))
    reflections = account.useful_reflections + account.useless_reflections
    table.add_row("useful reflections", _share(account.useful_reflections, reflections, "of the reflections"))
    table.add_row(
        "backtracks that turned", f"wrong into right {account.mended}, right into wrong {account.spoiled}"
    )
    return table


def _share(part: int, whole: int, of: str) -> str:
    return f"{part} ({part / whole:.1%} {of})" if whole else "none"


def _agreement(agreed: Agreement) -> Table:
    from rich.table import Table

    from longthought.scenarios.plain_text import plain

    title = f"panel of {len(agreed.members)}: dissent on {_share(agreed.disputed, agreed.thoughts, 'of the thoughts')}"
    table = Table(
        "kappa", "thoughts", "flag or not", "kind of decision", header_style="bold", title=plain(title)
    )
    for pair in agreed.pairs:
        table.add_row(
            plain(f"{pair.one}, {pair.other}"), str(pair.thoughts), _kappa(pair.flags), _kappa(pair.kinds)
        )
    table.add_row("all (Fleiss)", str(agreed.whole), _kappa(agreed.flags), _kappa(agreed.kinds))
    return table


def _kappa(kappa: float | None) -> str:
    return "not defined" if kappa is None else f"{kappa:.3f}"
