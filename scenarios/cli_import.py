"""``longthought import``: long thoughts and trees of others as transcripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from longthought.protocols.transcript import Transcript


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(help="JSON lines or a JSON list, also behind .gz or .zst.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(help="The file of transcripts: .jsonl.zst or .jsonl.")],
    format: Annotated[
        str | None, typer.Option(help="The rows' format, where their columns do not tell it.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many rows of each file.")] = None,
    scorer: Annotated[
        str | None,
        typer.Option(
            help="Judges every answer that has a gold answer; without it, math-verify judges those of which the "
            "source does not say whether they are right."
        ),
    ] = None,
    turns: Annotated[
        str | None, typer.Option(help="A YAML file of turns of mind, like the shipped turns_of_mind.yaml.")
    ] = None,
    skip_broken: Annotated[bool, typer.Option(help="Count rows that cannot be read, and go on.")] = False,
) -> None:
    """Make transcripts of long thoughts (R1, QwQ, Sky-T1, Marco-o1, …) and of trees (PRM800K, openr, rStar-Math)."""
    from rich.console import Console

    from longthought.agents.errors import RunError, UsageError
    from longthought.agents.rewards.scorers import scorer_named
    from longthought.protocols.transcript_files import write_transcripts
    from longthought.scenarios.plain_text import plain
    from longthought.synth.imports.judged import judged
    from longthought.synth.imports.read import Import
    from longthought.synth.imports.turns_of_mind import load_turns

    if not out.name.endswith((".jsonl", ".jsonl.zst")):
        raise UsageError(f"--out {out}: a file of transcripts ends in .jsonl.zst or .jsonl")
    if any(file.resolve() == out.resolve() for file in files):
        raise UsageError(f"--out {out}: is one of the files to read")
    scorer_named(scorer or "math-verify")
    reading = Import(format, scorer or "math-verify", limit, load_turns(turns), skip_broken)
    outcomes: Counter[str] = Counter()
    decisions: Counter[str] = Counter()

    def told() -> Iterator[Transcript]:
        for transcript in judged(reading.transcripts(files), again=scorer is not None):
            outcomes[transcript.outcome.kind] += 1
            decisions.update(judgement.decision.kind for judgement in transcript.judgements)
            yield transcript

    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        written = write_transcripts(out, told())
    except OSError as error:
        raise RunError(f"{out}: {error.strerror}") from error
    lines = [
        f"{written} transcripts of {reading.rows} rows: {_counts(outcomes)}",
        f"decisions, as far as the texts tell: {_counts(decisions)}",
        *([f"{reading.skipped} rows passed over:", *reading.broken] if reading.skipped else []),
        f"{out}",
    ]
    Console().print(plain("\n".join(lines)), soft_wrap=True)


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common()) or "none"
