"""The command line, ``longthought``. Commands import what they need, so that help comes at once."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated, NoReturn

import typer

from longthought import __version__
from longthought.agents.errors import LongthoughtError, UsageError
from longthought.scenarios import (
    cli_corpus,
    cli_distil,
    cli_eval,
    cli_import,
    cli_judge,
    cli_label,
    cli_look,
    cli_loop,
    cli_perplexity,
    cli_report,
    cli_rewrite,
    cli_run,
    cli_stats,
    cli_tamper,
    cli_train,
)
from longthought.scenarios.cli_help import PlainGroup

app = typer.Typer(
    name="longthought",
    cls=PlainGroup,
    help="Proposer–critic debates whose transcripts become long-thought training data.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

#: Libraries that would otherwise report home; whoever wants that sets the variable.
_QUIET = {"HF_HUB_DISABLE_TELEMETRY": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}

#: How long a process waits for the main one to say the same.
_PATIENCE_S = 60


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


app.command("run")(cli_run.run)
app.command("show")(cli_look.show)
app.command("list")(cli_look.list_)
app.command("doctor")(cli_look.doctor)
app.command("import")(cli_import.import_)
app.command("export")(cli_corpus.export)
app.command("rewrite")(cli_rewrite.rewrite)
app.command("distil")(cli_distil.distil)
app.command("stats")(cli_stats.stats)
app.command("eval")(cli_eval.eval_)
app.command("report")(cli_report.report)
app.command("judge")(cli_judge.judge)
app.command("label")(cli_label.label)
app.command("tamper")(cli_tamper.tamper)
app.command("perplexity")(cli_perplexity.perplexity)
app.command("loop")(cli_loop.loop)
app.add_typer(cli_train.app, name="train")


def main() -> NoReturn:
    """Run the command line. Exit code 2 is wrong usage, 1 a run that cannot go on, each in one line."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        app()
    except LongthoughtError as error:
        _leave_it_to_the_main_process()
        print(f"longthought: {_one_line(error)}", file=sys.stderr)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    sys.exit(0)


def _leave_it_to_the_main_process() -> None:
    """Of processes that train together all come to most errors, and their launcher ends all when the first one does."""
    from longthought.train.processes import is_main

    if not is_main():
        time.sleep(_PATIENCE_S)


def _one_line(error: Exception) -> str:
    # Imported late: compiling its expressions is work that help does without.
    from longthought.scenarios.plain_text import printable

    return " ".join(printable(str(error)).split())


if __name__ == "__main__":
    main()
