"""``longthought label``: labels for steps from rollouts or any reward, and what is most worth labelling by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def label(
    scenario: Annotated[str, typer.Argument(help="A scenario: its rewards, and the policy that completes.")],
    out: Annotated[Path, typer.Option(help="Directory of the rows and the journal.")],
    reward: Annotated[
        str, typer.Option(help="Who labels: a reward of the scenario, be it off, or a built-in kind.")
    ] = "rollouts",
    data: Annotated[
        Path | None,
        typer.Option(help="Solutions, in any format that judge reads; their labels are replaced."),
    ] = None,
    run: Annotated[str | None, typer.Option(help="A run: every path of its trees.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the reward: k=16")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many solutions.")] = None,
    threshold: Annotated[float, typer.Option(min=0, max=1, help="A step that scores below is wrong.")] = 0.5,
    most_convincing_wrong: Annotated[
        int | None,
        typer.Option(min=1, help="Label nothing; pick so many wrong solutions that the reward likes best."),
    ] = None,
    per_problem: Annotated[int, typer.Option(min=1, help="Of these, at most so many of one problem.")] = 1,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the scenario.")
    ] = None,
    max_connections: Annotated[int, typer.Option(min=1, help="Solutions at once.")] = 64,
    allow_import: Annotated[bool, typer.Option(help="Import code that is named as module:object.")] = False,
) -> None:
    """Label steps by Monte-Carlo rollouts or any other reward, as rows for `train prm`."""
    import asyncio

    from rich.console import Console

    from longthought.scenarios.labelling import LabelOptions
    from longthought.scenarios.labelling import label as work
    from longthought.scenarios.plain_text import plain

    options = LabelOptions(
        out=out,
        reward=reward,
        data=data,
        run=run,
        sets=tuple(set_ or ()),
        options=tuple(option or ()),
        limit=limit,
        threshold=threshold,
        most_convincing_wrong=most_convincing_wrong,
        per_problem=per_problem,
        max_at_once=max_connections,
        allow_import=allow_import,
    )
    made = asyncio.run(work(scenario, options))
    told = (
        f"{made.rows} wrong solutions, the most convincing first"
        if most_convincing_wrong
        else f"{made.rows} solutions: {made.right} steps right, {made.wrong} wrong, {made.unlabelled} without a label"
    )
    Console().print(plain(f"{told}\n{made.file}"), soft_wrap=True)
