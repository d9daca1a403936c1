"""``longthought show``, ``list`` and ``doctor``: looking without changing anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def show(
    run: Annotated[
        str, typer.Argument(help="A run's directory, its name under runs/, or a file of transcripts.")
    ],
    debate: Annotated[
        str | None, typer.Option(help="One debate as a tree: its number, its id, or its problem's id.")
    ] = None,
    journey: Annotated[
        bool, typer.Option("--journey", help="The solved debate with the most detours, as a tree.")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="Debates listed below the summary.")] = 10,
) -> None:
    """Show a run's figures, or one debate as a tree."""
    import asyncio

    from rich.console import Console

    from longthought.protocols.transcript_files import read_transcripts
    from longthought.scenarios import show as view
    from longthought.scenarios.report import critics_mistakes, has_critic, overview

    path = view.run_path(run)
    out = Console()
    if journey or debate is not None:
        shown = view.longest_journey(path) if journey else view.find_transcript(path, debate or "")
        out.print(view.tree_of(shown, asyncio.run(critics_mistakes(path, shown))))
        return
    summary, counted, listed = asyncio.run(overview(read_transcripts(path), has_critic(path), limit))
    account, truth = (counted.account, counted.truth) if counted else (None, "")
    out.print(view.summary_table(summary, str(path), account, truth))
    if limit:
        out.print(view.transcripts_table(listed))


def list_(
    runs: Annotated[Path, typer.Option(help="The directory of the runs.")] = Path("runs"),
) -> None:
    """List runs, shipped scenarios and plug-ins."""
    from rich.console import Console

    from longthought.scenarios import listing

    Console().print(listing.listing(runs))


def doctor(
    base_url: Annotated[str, typer.Argument(help="For example http://127.0.0.1:8000/v1")],
    model: Annotated[str | None, typer.Option(help="Instead of the first that the server has.")] = None,
    api_key_env: Annotated[
        str | None, typer.Option(help="The environment variable that holds the key.")
    ] = None,
) -> None:
    """Ask an endpoint what it can and cannot do. Exit code 1 if a debate could not use it."""
    import asyncio

    from rich.console import Console

    from longthought.agents.errors import UsageError
    from longthought.scenarios import listing
    from longthought.scenarios.credentials import key_for
    from longthought.scenarios.doctor import examine

    if not base_url.startswith(("http://", "https://")):
        raise UsageError(f"{base_url}: should look like http://127.0.0.1:8000/v1")
    key = key_for(api_key_env, base_url, "--api-key-env") if api_key_env else None
    findings = asyncio.run(examine(base_url, model, key))
    Console().print(listing.findings_table(findings))
    if any(finding.grade == "fail" for finding in findings):
        raise typer.Exit(1)
