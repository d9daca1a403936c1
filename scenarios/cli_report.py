"""``longthought report``: how well the critic of a run judged, counted against a truth that no seat was shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from longthought.synth.accounts import Account


def report(
    run: Annotated[
        str, typer.Argument(help="A run's directory, its name under runs/, or a file of transcripts.")
    ],
    truth: Annotated[
        str | None,
        typer.Option(help="A reward that says whether a step is right; found by itself for Countdown."),
    ] = None,
    allow_import: Annotated[bool, typer.Option(help="Import code that is named as module:object.")] = False,
) -> None:
    """Count false backtracks, missed errors, useful reflections, and what going back turned right or wrong."""
    import asyncio

    from rich.console import Console

    from longthought.scenarios.report import count

    account, debates, told = asyncio.run(count(run, truth, allow_import=allow_import))
    Console().print(_table(account, debates, told))


def _table(account: Account, debates: int, truth: str) -> Table:
    from rich.table import Table

    from longthought.scenarios.plain_text import plain

    table = Table(show_header=False, title=plain(f"{debates} debates, judged against {truth}"))
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
