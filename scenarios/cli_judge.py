"""``longthought judge``: how good a reward model or a critic is, on steps whose labels are known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from longthought.train.judging.passport import Passport

#: What the figures are called in the table, in its order.
_NAMES = {
    "step_f1": "step F1, mean of both classes",
    "step_precision": "precision of flags",
    "step_recall": "recall of wrong steps",
    "false_alarms": "right steps flagged",
    "misses": "wrong steps missed",
    "step_mcc": "step MCC",
    "auc": "AUC",
    "ece": "calibration error (ECE)",
    "first_error_accuracy": "first error found",
    "right_solution_accuracy": "right solutions left alone",
    "processbench_f1": "ProcessBench F1",
    "solution_f1": "solution F1, mean of both classes",
    "solution_mcc": "solution MCC",
    "mr_score_without_reasons": "MR-Score without reasons (of 0.5)",
}


def judge(
    subject: Annotated[
        str,
        typer.Argument(help="A reward (step-scorer, countdown-step, a plug-in), or a scenario: its critic."),
    ],
    data: Annotated[
        Path,
        typer.Option(
            help="Labelled solutions: stepwise rows, PRM800K, Math-Shepherd, ProcessBench, MR-GSM8K."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Directory of passport, plot and journal; runs/judge-… unless given.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many solutions.")] = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="A step that scores below is flagged.")
    ] = 0.5,
    neutral_wrong: Annotated[bool, typer.Option(help="Count neutral labels as wrong, not as right.")] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the scenario."),
    ] = None,
    reward: Annotated[
        str | None, typer.Option(help="Of a scenario, measure this reward in place of its critic.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the reward: k=16")
    ] = None,
    max_connections: Annotated[int, typer.Option(min=1, help="Solutions at once.")] = 64,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    allow_import: Annotated[bool, typer.Option(help="Import code that is named as module:object.")] = False,
) -> None:
    """Step, first-error and solution figures with bootstrap intervals; writes a passport."""
    import asyncio

    from rich.console import Console

    from longthought.scenarios.judging import PASSPORT, PLOT, MeasureOptions
    from longthought.scenarios.judging import judge as measure
    from longthought.scenarios.plain_text import plain

    place = out or Path("runs") / f"judge-{Path(subject).stem}-{data.stem}"
    options = MeasureOptions(
        data=data,
        out=place,
        sets=tuple(set_ or ()),
        reward=reward,
        options=tuple(option or ()),
        limit=limit,
        threshold=threshold,
        neutral="wrong" if neutral_wrong else "right",
        max_at_once=max_connections,
        seed=seed,
        allow_import=allow_import,
    )
    passport = asyncio.run(measure(subject, options))
    console = Console()
    console.print(_table(passport))
    if passport.by_kind:
        console.print(_kinds(passport))
    console.print(plain(f"{place / PASSPORT} is the passport, {place / PLOT} its picture"), soft_wrap=True)


def _table(passport: Passport) -> Table:
    from rich.table import Table

    from longthought.scenarios.plain_text import plain

    data = passport.data
    title = (
        f"{passport.subject.name} on {data.name}: {data.solutions} solutions, {data.labelled_steps} labelled "
        f"steps, {data.wrong_steps} of them wrong, {passport.unscored} unscored; "
        f"{passport.prompt_tokens} + {passport.completion_tokens} tokens in {passport.seconds:.1f} s"
    )
    table = Table("figure", "value", "95 %", header_style="bold", title=plain(title), title_justify="left")
    for name, words in _NAMES.items():
        figure = passport.figures[name]
        bounds = "" if figure.low is None else f"{figure.low:.3f} to {figure.high:.3f}"
        table.add_row(words, "not defined" if figure.value is None else f"{figure.value:.3f}", bounds)
    return table


def _kinds(passport: Passport) -> Table:
    from rich.table import Table

    from longthought.scenarios.plain_text import plain

    table = Table("kind of fault", "wrong steps", "found", header_style="bold")
    for kind, cell in passport.by_kind.items():
        found = cell.wrong - cell.missed
        table.add_row(plain(kind), str(cell.wrong), f"{found / cell.wrong:.1%}" if cell.wrong else "–")
    return table
