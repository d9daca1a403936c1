"""``longthought export``: transcripts to corpora."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    source: Annotated[
        str, typer.Argument(help="A run's directory, its name under runs/, or a file of transcripts.")
    ],
    out: Annotated[Path, typer.Option(help="The corpus's directory.")],
    kinds: Annotated[
        str, typer.Option(help="Kinds of rows, with commas; name=kind for a second one of a kind.")
    ] = "shortcut,journey",
    formats: Annotated[str, typer.Option(help="jsonl, parquet, or both with a comma.")] = "jsonl,parquet",
    include_informed: Annotated[
        bool, typer.Option(help="Also what was written with the answer, or its correctness, in the context.")
    ] = False,
    include_suspects: Annotated[
        bool,
        typer.Option(help="Also debates with a text that looks like an injection: verdicts, role tags, …"),
    ] = False,
    validation: Annotated[
        float, typer.Option(min=0, max=0.99, help="Share of problems kept for validation.")
    ] = 0.0,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME.KEY=VALUE", help="Of one kind: dialogue.context=shared"),
    ] = None,
) -> None:
    """Derive training rows from a run's transcripts."""
    from typing import Any, cast

    from rich.console import Console
    from rich.table import Table

    from longthought.scenarios.plain_text import plain
    from longthought.scenarios.show import run_path
    from longthought.synth.corpus.export import export as write

    manifest = write(
        run_path(source),
        out,
        names(kinds),
        cast("Any", names(formats)),  # it names the formats that there are
        options=_options(option or []),
        include_informed=include_informed,
        include_suspects=include_suspects,
        validation=validation,
    )
    table = Table("kind", "rows", header_style="bold")
    for kind, counts in manifest.kinds.items():
        table.add_row(plain(kind), plain(", ".join(f"{split} {rows}" for split, rows in counts.rows.items())))
    console = Console()
    console.print(table)
    console.print(plain(f"{out} (its card is {out / 'README.md'})"), soft_wrap=True)


def _options(given: list[str]) -> dict[str, dict[str, object]]:
    import yaml

    from longthought.agents.errors import UsageError

    options: dict[str, dict[str, object]] = {}
    for text in given:
        key, equals, value = text.partition("=")
        kind, dot, name = key.partition(".")
        if not (equals and dot and kind and name):
            raise UsageError(f"--option {text}: should look like dialogue.context=shared")
        options.setdefault(kind, {})[name] = yaml.safe_load(value)
    return options


def names(text: str) -> list[str]:
    """The names in a list with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
