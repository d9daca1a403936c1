"""``longthought stats``: the profile of thoughts, several sources side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from longthought.synth.stats.profile import Profile, Spread


def stats(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Corpora, runs, files of transcripts or rows, or anything that import reads.",
            show_default=False,
        ),
    ],
    tokenizer: Annotated[
        str | None,
        typer.Option(help="Count its tokens, not words: a model's directory or hub name, or embedded."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many thoughts of each.")] = None,
    skip_broken: Annotated[
        bool, typer.Option(help="Count rows of foreign files that cannot be read, and go on.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw them: FILE.svg or FILE.png.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write every figure here.")] = None,
) -> None:
    """Length, marker words, detours and repetition of thoughts, and how they grow with difficulty."""
    import orjson
    from rich.console import Console

    from longthought.scenarios.plain_text import plain
    from longthought.scenarios.replace_file import replace_file
    from longthought.synth.imports.read import Import
    from longthought.synth.picture import check_picture
    from longthought.synth.stats.plot import draw
    from longthought.synth.stats.sources import profiles

    if plot is not None:
        check_picture(plot)
    size, unit = (_counter(tokenizer), "tokens") if tokenizer else (None, "words")
    reading = Import(skip_broken=skip_broken)
    found = [
        profile for source in sources for profile in profiles(_place(source), size, unit, limit, reading)
    ]
    console = Console()
    console.print(table(found))
    if reading.skipped:
        console.print(
            plain("\n".join([f"{reading.skipped} rows passed over:", *reading.broken])), soft_wrap=True
        )
    if json is not None:
        figures = [profile.model_dump(mode="json") for profile in found]
        replace_file(json, orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode() + "\n")
        console.print(plain(f"{json}"), soft_wrap=True)
    if plot is not None:
        draw(found, plot)
        console.print(plain(f"{plot}"), soft_wrap=True)


def table(profiles: Sequence[Profile]) -> Table:
    """The profiles as columns."""
    from rich.table import Table
    from rich.text import Text

    from longthought.scenarios.plain_text import plain

    made = Table(header_style="bold")
    made.add_column("")
    for profile in profiles:
        made.add_column(plain(profile.name), justify="right", overflow="fold")
    unit = profiles[0].unit
    rows: dict[str, Callable[[Profile], str]] = {
        "thoughts": lambda p: str(p.thoughts),
        "finished": lambda p: str(p.finished),
        "right": lambda p: "?" if p.right is None else str(p.right),
        f"{unit}, median": lambda p: _middle(p.size),
        f"{unit}, mean": lambda p: f"{p.size.mean:.0f}" if p.size else "–",
        "lines, median": lambda p: _middle(p.lines),
        **{f"“{marker}” per 1,000": _marker(marker) for marker in profiles[0].markers},
        "dead nodes": lambda p: _share(p.dead_nodes, p.guessed),
        "detours a solved problem": lambda p: _number(p.detours_per_solved, p.guessed),
        f"{unit} a solved problem": lambda p: _number(p.per_solved, digits=0),
        "repeated 8-word runs": lambda p: _share(p.repeated),
        "thoughts that loop": lambda p: _share(p.loops),
    }
    for name, cell in rows.items():
        made.add_row(Text(name), *(Text(cell(profile)) for profile in profiles))
    made.add_section()
    made.add_row(Text("growth by", "italic"), *(plain(profile.by) for profile in profiles))
    for place in range(max(len(profile.growth) for profile in profiles)):
        name = "easiest" if place == 0 else "…"
        made.add_row(Text(name), *(Text(_grown(profile, place)) for profile in profiles))
    made.caption = (
        f"in brackets: the middle eight tenths, or the share of thoughts with the word; growth: mean {unit}, marker "
        "words per 1,000, share right; ≈ where decisions were guessed from the text"
    )
    return made


def _marker(marker: str) -> Callable[[Profile], str]:
    return lambda p: f"{p.markers[marker].per_thousand:.2f} ({p.markers[marker].share:.0%})"


def _middle(spread: Spread | None) -> str:
    return "–" if spread is None else f"{spread.median} ({spread.low}–{spread.high})"


def _share(value: float | None, guessed: bool = False) -> str:
    return "–" if value is None else f"{'≈ ' if guessed else ''}{value:.1%}"


def _number(value: float | None, guessed: bool = False, digits: int = 1) -> str:
    return "–" if value is None else f"{'≈ ' if guessed else ''}{value:.{digits}f}"


def _grown(profile: Profile, place: int) -> str:
    if place >= len(profile.growth):
        return ""
    group = profile.growth[place]
    right = "" if group.right is None else f", {group.right:.0%}"
    return f"{group.name}: {group.size:.0f}, {group.markers:.1f}{right}"


def _place(name: str) -> Path:
    from longthought.agents.errors import UsageError

    found = next((path for path in (Path(name), Path("runs") / name) if path.exists()), None)
    if found is None:
        raise UsageError(f"{name}: no such corpus, run or file, neither as a path nor under runs/")
    return found


def _counter(model: str) -> Callable[[str], int]:
    """How many tokens a text has."""
    from longthought.agents.errors import UsageError

    try:
        from longthought.synth.tokens.load import tokenizer_of

        tokenizer = tokenizer_of(model)
    except ImportError as error:
        raise UsageError("--tokenizer needs transformers: pip install 'longthought[local]'") from error

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False, verbose=False))

    return count
