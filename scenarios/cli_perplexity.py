"""``longthought perplexity``: how perplexed a model is by the thoughts of debates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def perplexity(
    source: Annotated[
        str, typer.Argument(help="A run's directory, its name under runs/, or a file of transcripts.")
    ],
    model: Annotated[str, typer.Option(help="A directory, a hub name, or `embedded`.")],
    out: Annotated[Path, typer.Option(help="The file of values; what is in it is not computed again.")],
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where the model runs.")] = "auto",
    batch_tokens: Annotated[int, typer.Option(min=1, help="Tokens in one forward pass.")] = 4096,
) -> None:
    """Measure how perplexed a model is by each debate's journey and shortcut, for kinds that pick by it."""
    from rich.console import Console
    from rich.progress import Progress

    from longthought.scenarios.plain_text import plain
    from longthought.scenarios.show import run_path
    from longthought.train.perplexity import Measured, measure_perplexities

    with Progress(console=Console(stderr=True), transient=True) as bar:
        shown = bar.add_task("debates", total=None)

        def tell(measured: Measured) -> None:
            bar.update(shown, completed=measured.new)

        made = measure_perplexities(
            run_path(source), out, model, device=device, batch_tokens=batch_tokens, on_progress=tell
        )
    told = f"{made.new} debates, {made.before} of before"
    if made.too_long:
        told += f"; {made.too_long} thoughts are longer than the model's context and have no value"
    Console().print(plain(f"{told}\n{out}"), soft_wrap=True)
