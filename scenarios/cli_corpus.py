"""``longthought export``: transcripts to corpora, and corpora to the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from longthought.synth.corpus.manifest import Manifest

#: Reasons that are printed for each kind; the manifest has all.
_TOLD = 2


def export(
    sources: Annotated[
        list[str],
        typer.Argument(help="Runs' directories, their names under runs/, or files of transcripts."),
    ],
    out: Annotated[Path, typer.Option(help="The corpus's directory.")],
    kinds: Annotated[
        str, typer.Option(help="Kinds of rows, with commas; name=kind for a second one of a kind.")
    ] = "shortcut,journey",
    formats: Annotated[
        str, typer.Option(help="Of jsonl, parquet, sharegpt and openai, with commas.")
    ] = "jsonl,parquet",
    include_informed: Annotated[
        bool, typer.Option(help="Also what was written with the answer, or its correctness, in the context.")
    ] = False,
    include_suspects: Annotated[
        bool,
        typer.Option(help="Also debates with a text that looks like an injection: verdicts, role tags, …"),
    ] = False,
    validation: Annotated[
        float, typer.Option(min=0, max=0.99, help="Share of problems kept for validation, by their hashes.")
    ] = 0.0,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME.KEY=VALUE", help="Of one kind: dialogue.context=shared"),
    ] = None,
    filters: Annotated[
        Path | None, typer.Option(help="A YAML file of filters: a mapping of names to options.")
    ] = None,
    filter_: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="NAME[.KEY=VALUE]", help="One filter: exact, length.max=20000"),
    ] = None,
    decontaminate: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Drop rows whose question shares an 8-gram with one of this file."),
    ] = None,
    show_dropped: Annotated[
        int, typer.Option(min=0, help="Print so many rows of each reason for which rows were dropped.")
    ] = 0,
    verify_template: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Prove each row against this model's chat template and tokenizer."
        ),
    ] = None,
    max_length: Annotated[
        int | None, typer.Option(min=1, help="Of --verify-template: tokens that a row may have.")
    ] = None,
    unverified: Annotated[
        Literal["stop", "drop"],
        typer.Option(help="Of --verify-template: a row that fails ends the export, or is left out."),
    ] = "stop",
    tokenize: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Write chats as token ids and labels of this model's tokenizer."),
    ] = None,
    licence: Annotated[
        list[str] | None, typer.Option(help="Licence of the problems, such as mit or cc-by-4.0.")
    ] = None,
    shard_bytes: Annotated[
        int, typer.Option(min=1, help="Size at which the next Parquet file begins.")
    ] = 500_000_000,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that derive rows; without it one a processor.")
    ] = None,
    push_to_hub: Annotated[
        str | None, typer.Option(metavar="NAME", help="Also upload the corpus to the Hugging Face hub.")
    ] = None,
    private: Annotated[bool, typer.Option("--private/--public", help="Who may see it on the hub.")] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Upload without asking.")] = False,
) -> None:
    """Derive training rows from the transcripts of one or more runs."""
    import sys
    from typing import Any, cast

    from rich.console import Console

    from longthought.agents.errors import UsageError
    from longthought.scenarios.plain_text import plain
    from longthought.scenarios.show import run_path
    from longthought.synth.clean.filters import read_filters, set_filters, with_evaluation_files
    from longthought.synth.clean.passes import Gate, Pass
    from longthought.synth.corpus.export import export as write
    from longthought.synth.tokens.passes import Tokenize, VerifyTemplate

    if push_to_hub is not None:
        from longthought.synth.corpus.hub import check_name

        check_name(push_to_hub)
        if not (yes or sys.stdin.isatty()):
            raise UsageError("--push-to-hub: nobody is here to confirm it; say --yes")
    asked = set_filters(read_filters(filters) if filters else {}, filter_ or [])
    asked = with_evaluation_files(asked, decontaminate or [])
    if verify_template is None and (max_length is not None or unverified == "drop"):
        raise UsageError("--max-length and --unverified are of --verify-template; name a model there")
    passes: list[Pass | Gate] = []
    if verify_template is not None:
        passes.append(VerifyTemplate(model=verify_template, max_length=max_length, otherwise=unverified))
    if tokenize is not None:
        passes.append(Tokenize(model=tokenize))
    dropped: list[tuple[str, str, str]] = []
    console = Console()
    with Console(stderr=True).status("") as status:
        manifest = write(
            [run_path(source) for source in sources],
            out,
            names(kinds),
            cast("Any", names(formats)),  # it names the formats that there are
            options=_options(option or []),
            filters=asked,
            passes=passes,
            include_informed=include_informed,
            include_suspects=include_suspects,
            validation=validation,
            licences=licence or [],
            shard_bytes=shard_bytes,
            workers=workers,
            on_progress=lambda debates: status.update(f"{debates} debates"),
            show_dropped=show_dropped,
            on_dropped=lambda kind, reason, text: dropped.append((kind, reason, text)),
        )
    _show(manifest, console)
    if validation and not any("validation" in counts.rows for counts in manifest.kinds.values()):
        console.print("no problem fell into the validation split: each does by its hash, and these are few")
    for kind, reason, text in sorted(dropped):
        console.print(plain(f"dropped from {kind}: {reason}: {text}"), soft_wrap=True)
    console.print(plain(f"{out} (its card is {out / 'README.md'})"), soft_wrap=True)
    if push_to_hub is not None:
        _push(out, push_to_hub, private=private, yes=yes)


def _show(manifest: Manifest, console: Console) -> None:
    from rich.table import Table

    from longthought.scenarios.plain_text import plain

    table = Table("kind", "rows", "dropped", header_style="bold")
    for kind, counts in manifest.kinds.items():
        rows = ", ".join(f"{split} {number}" for split, number in counts.rows.items())
        reasons = sorted(counts.dropped.items(), key=lambda told: -told[1])
        told = ", ".join(f"{number} {reason}" for reason, number in reasons[:_TOLD])
        table.add_row(plain(kind), plain(rows or "none"), plain(told + (", …" if reasons[_TOLD:] else "")))
    console.print(table)
    for number, what in ((manifest.informed_left_out, "informed"), (manifest.suspects_left_out, "suspect")):
        if number:
            console.print(plain(f"{number} {what} debates were left out"))


def _push(corpus: Path, name: str, *, private: bool, yes: bool) -> None:
    from longthought.synth.corpus.hub import push
    from longthought.synth.corpus.manifest import read_manifest

    size = sum(entry.bytes for entry in read_manifest(corpus).files.values())
    seen = "private" if private else "public, for everybody to see"
    question = f"Upload {corpus} ({size / 1e6:.1f} MB) to the Hugging Face hub as {name}, {seen}?"
    if yes or typer.confirm(question):
        typer.echo(push(corpus, name, private=private))


def _options(given: list[str]) -> dict[str, dict[str, object]]:
    from longthought.agents.errors import UsageError
    from longthought.scenarios.load import settings

    example = "dialogue.context=shared"
    options = settings(given, "--option", example)
    for kind, value in options.items():
        if not isinstance(value, dict):
            raise UsageError(f"--option {kind}={value}: should look like {example}")
    return options


def names(text: str) -> list[str]:
    """The names in a list with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
