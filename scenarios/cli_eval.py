"""``longthought eval``: how well a run solved its problems, and how it compares with another on the same ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from longthought.train.compare import Comparison
    from longthought.train.evaluate import Evaluation
    from longthought.train.trap_pairs import TrapFigures


def eval_(
    subject: Annotated[
        str, typer.Argument(help="A run (directory or name), or a scenario, which is then run.")
    ],
    against: Annotated[
        str | None, typer.Option(help="Another run or scenario over the same problems.")
    ] = None,
    alone: Annotated[
        bool,
        typer.Option(help="Compare with the scenario's policy alone, one greedy pass; needs a scenario."),
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many problems.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the scenarios.")
    ] = None,
    max_connections: Annotated[int, typer.Option(min=1, help="Debates in flight.")] = 64,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    allow_import: Annotated[
        bool, typer.Option(help="Import code that a scenario names as module:object.")
    ] = False,
    allow_code: Annotated[
        bool,
        typer.Option(help="Let the scorer unit-tests run code that models write, in a bubblewrap sandbox."),
    ] = False,
) -> None:
    """Accuracy with a 95 % bootstrap interval, tokens a problem, and a paired comparison of two runs."""
    from functools import partial

    from rich.console import Console

    from longthought.agents.errors import UsageError
    from longthought.protocols.transcript_files import read_transcripts
    from longthought.scenarios.plain_text import plain
    from longthought.train.evaluate import evaluate, paired
    from longthought.train.trap_pairs import trap_figures

    sets = set_ or []
    run_of = partial(
        _run_of,
        limit=limit,
        max_connections=max_connections,
        allow_import=allow_import,
        allow_code=allow_code,
    )
    runs = [run_of(subject, sets)]
    if alone:
        if against is not None or _as_run(subject) is not None:
            raise UsageError("--alone: needs a scenario as the subject, and no --against")
        greedy = ["protocol=monologue", "seats.policy.temperature=0.0"]
        runs.append(run_of(subject, [*sets, *greedy], "-alone"))
    elif against is not None:
        runs.append(run_of(against, sets))
    evaluations = [evaluate(run, seed) for run in runs]
    console = Console()
    console.print(_table(evaluations))
    for run in runs:
        if figures := trap_figures(read_transcripts(run)):
            console.print(_traps(run.name, figures))
    if len(evaluations) > 1:
        one, other = evaluations
        said = _sentence(one, other, paired(one, other, seed))
        console.print(plain(said), soft_wrap=True)


def _as_run(name: str) -> Path | None:
    """The run of that name, or None when it must be a scenario."""
    return next((path for path in (Path(name), Path("runs") / name) if path.is_dir()), None)


def _run_of(name: str, sets: list[str], suffix: str = "", **how: Any) -> Path:
    """The run of that name, or a run of the scenario of that name, played as ``how`` says (see ``RunOptions``)."""
    run = _as_run(name) if not suffix else None
    if run is not None:
        return run
    import asyncio

    from longthought.agents.errors import RunError
    from longthought.scenarios.load import load_scenario
    from longthought.scenarios.run import RunOptions, run_scenario

    loaded = load_scenario(name, sets)
    directory = Path("runs") / f"{loaded.scenario.name}-eval{suffix}"
    options = RunOptions(run_dir=directory, resume=directory.exists(), **how)
    result = asyncio.run(run_scenario(loaded, options))
    if result.status != "finished":
        raise RunError(f"{directory}: {result.status}; the same command goes on with it")
    return directory


def _table(evaluations: list[Evaluation]) -> Table:
    from rich.table import Table

    from longthought.scenarios.plain_text import plain

    table = Table(header_style="bold")
    for column in ("run", "problems", "accuracy", "95 %", "policy tokens", "critic tokens", "with a detour"):
        table.add_column(column, justify="left" if column == "run" else "right", no_wrap=column == "95 %")
    for one in evaluations:
        table.add_row(
            plain(one.run.name),
            str(len(one.trials)),
            f"{one.accuracy.mean:.1%}",
            f"{one.accuracy.low:.1%} to {one.accuracy.high:.1%}",
            f"{one.mean('policy_tokens'):.1f}",
            f"{one.mean('critic_tokens'):.1f}",
            f"{one.mean('detoured'):.0%}",
        )
    return table


def _traps(run: str, figures: dict[str, TrapFigures]) -> Table:
    from rich.table import Table

    from longthought.scenarios.plain_text import plain

    table = Table(header_style="bold", title=plain(f"{run}: traps"), title_justify="left")
    for column in ("type", "traps", "named", "unscored", "twins", "twin solved", "both"):
        table.add_column(column, justify="left" if column == "type" else "right")
    for name, one in figures.items():
        rates = (one.named, one.unscored, one.twin_solved, one.both)
        named, unscored, solved, both = ("none" if rate is None else f"{rate:.1%}" for rate in rates)
        table.add_row(plain(name), str(one.traps), named, unscored, str(one.twins), solved, both)
    return table


def _sentence(one: Evaluation, other: Evaluation, found: Comparison) -> str:
    gap = found.difference
    return (
        f"{one.run.name} minus {other.run.name}, paired over {gap.n} problems: {gap.mean:+.1%} "
        f"(95 % {gap.low:+.1%} to {gap.high:+.1%}; only the first right {found.only_first}, only the second "
        f"{found.only_second}; exact McNemar p = {found.p:.2g})"
    )
