"""``longthought rewrite``: a model smooths or expands a run's thoughts, and a check keeps what has lost nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def rewrite(
    run: Annotated[
        str, typer.Argument(help="A run's directory, its name under runs/, or a file of transcripts.")
    ],
    scenario: Annotated[str, typer.Option(help="A scenario with a model in seats.rewriter.")],
    out: Annotated[Path, typer.Option(help="The file of rewrites, for --option journey.rewrites=FILE.")],
    mode: Annotated[
        Literal["smooth", "expand"],
        typer.Option(help="Make it fluent, or write out the full thought behind notes."),
    ] = "smooth",
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the journeys: order=dfs")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many thoughts.")] = None,
    asks: Annotated[
        int,
        typer.Option(
            min=1, help="How often a thought is asked for, with what was wrong, before its draft stays."
        ),
    ] = 2,
    prompts: Annotated[
        str | None,
        typer.Option(help="A directory of your own prompts: smooth.md, expand.md, ask.md, again.md."),
    ] = None,
    include_informed: Annotated[
        bool, typer.Option(help="Also debates that an export takes in with the same option.")
    ] = False,
    include_suspects: Annotated[
        bool, typer.Option(help="Also debates that an export takes in with the same option.")
    ] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the scenario.")
    ] = None,
    max_connections: Annotated[int, typer.Option(min=1, help="Thoughts at once.")] = 64,
    allow_import: Annotated[bool, typer.Option(help="Import code that is named as module:object.")] = False,
) -> None:
    """Have a model rewrite a run's journeys; what a rewrite loses is found by rule, and its draft then stays."""
    import asyncio

    from rich.console import Console

    from longthought.scenarios.plain_text import plain
    from longthought.scenarios.rewriting import RewriteOptions
    from longthought.scenarios.rewriting import rewrite as work

    options = RewriteOptions(
        out=out,
        scenario=scenario,
        sets=tuple(set_ or ()),
        mode=mode,
        options=tuple(option or ()),
        limit=limit,
        asks=asks,
        include_informed=include_informed,
        include_suspects=include_suspects,
        prompts=prompts,
        max_at_once=max_connections,
        allow_import=allow_import,
    )
    made = asyncio.run(work(run, options))
    told = (
        f"{made.kept} of {made.thoughts} rewrites kept ({made.kept / made.thoughts:.1%}), "
        f"{made.now} asked for now, {made.prompt_tokens} + {made.completion_tokens} tokens\n{out}"
    )
    Console().print(plain(told), soft_wrap=True)
