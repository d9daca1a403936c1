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
    kinds: Annotated[str, typer.Option(help="Kinds of rows, with commas.")] = "shortcut,journey",
    formats: Annotated[str, typer.Option(help="jsonl, parquet, or both with a comma.")] = "jsonl,parquet",
    include_informed: Annotated[
        bool, typer.Option(help="Also what was written with the answer, or its correctness, in the context.")
    ] = False,
    validation: Annotated[
        float, typer.Option(min=0, max=0.99, help="Share of problems kept for validation.")
    ] = 0.0,
    exporter: Annotated[str | None, typer.Option(help="A plug-in that writes the corpus instead.")] = None,
) -> None:
    """Derive training rows from a run's transcripts, or hand these to a plug-in."""
    from typing import Any, cast

    from rich.console import Console
    from rich.table import Table

    from longthought.protocols.transcript import read_transcripts
    from longthought.scenarios.plain_text import plain
    from longthought.scenarios.plugins import find_plugin
    from longthought.scenarios.show import run_path
    from longthought.synth.corpus import export as write

    run = run_path(source)
    if exporter is not None:
        find_plugin("exporters", exporter, "--exporter")(read_transcripts(run), out)
        return
    manifest = write(
        run,
        out,
        _list(kinds),
        cast("Any", _list(formats)),  # it names the formats that there are
        include_informed=include_informed,
        validation=validation,
    )
    table = Table("kind", "rows", header_style="bold")
    for kind, counts in manifest.kinds.items():
        table.add_row(plain(kind), plain(", ".join(f"{split} {rows}" for split, rows in counts.rows.items())))
    console = Console()
    console.print(table)
    console.print(plain(f"{out} (its card is {out / 'README.md'})"), soft_wrap=True)


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
