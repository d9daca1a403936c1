"""``longthought distil``: long thoughts of a reasoning model on a scenario's problems, with their answers scored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def distil(
    scenario: Annotated[
        str, typer.Argument(help="A scenario: its problems, its scorer, and its policy's model.")
    ],
    out: Annotated[Path, typer.Option(help="The file of thoughts, a JSON line each.")],
    samples: Annotated[int, typer.Option(min=1, help="Samples of each problem.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many problems.")] = None,
    right_only: Annotated[bool, typer.Option(help="Write only those whose answer is right.")] = False,
    prompts: Annotated[
        str | None,
        typer.Option(
            help="`default`, the bare question, or a directory with ask.md and {{ question }} in it."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the scenario.")
    ] = None,
    max_connections: Annotated[int, typer.Option(min=1, help="Samples at once.")] = 64,
    allow_import: Annotated[bool, typer.Option(help="Import code that is named as module:object.")] = False,
    allow_code: Annotated[
        bool, typer.Option(help="Let a scorer run code that models write, in a sandbox.")
    ] = False,
) -> None:
    """Ask a reasoning model for whole solutions, thoughts included, and score their answers."""
    import asyncio

    from rich.console import Console

    from longthought.scenarios.distilling import DistilOptions
    from longthought.scenarios.distilling import distil as work
    from longthought.scenarios.plain_text import plain

    options = DistilOptions(
        out=out,
        sets=tuple(set_ or ()),
        samples=samples,
        limit=limit,
        right_only=right_only,
        prompts=prompts,
        max_at_once=max_connections,
        allow_import=allow_import,
        allow_code=allow_code,
    )
    made = asyncio.run(work(scenario, options))
    told = (
        f"{made.samples} samples: {made.right} right, {made.thoughts} with a thought; {made.now} asked for now, "
        f"{made.prompt_tokens} + {made.completion_tokens} tokens\n{made.written} rows in {out}"
    )
    Console().print(plain(told), soft_wrap=True)
