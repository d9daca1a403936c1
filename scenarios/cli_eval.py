"""``longthought eval``: how well runs, scenarios or models solve problems, and how they compare on the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from longthought.train.evaluating.report import Arm


def eval_(
    subjects: Annotated[
        list[str] | None,
        typer.Argument(
            help="Runs (directories, names, patterns, files of transcripts) or scenarios, which are then run; with "
            "--on, models. With --alone, --set or --limit a name that is both is the scenario's. "
            "Several are one arm: the same recipe, trained with several seeds.",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(help="The other arm over the same problems; once for each of its runs."),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(metavar="SCENARIO", help="Seat the models in this scenario's policy's place."),
    ] = None,
    alone: Annotated[
        bool,
        typer.Option(help="Compare with the scenario's policy alone, one greedy pass; needs a scenario."),
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many problems.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the scenarios.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write eval.json, curve.csv and plot.svg there.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON, and no tables.")] = False,
    trained_on: Annotated[
        list[Path] | None,
        typer.Option(metavar="CORPUS", help="Refuse problems that this corpus holds, too; may be repeated."),
    ] = None,
    allow_seen: Annotated[
        bool, typer.Option(help="Evaluate on problems that the models were trained on, and say so.")
    ] = False,
    max_connections: Annotated[int, typer.Option(min=1, help="Debates in flight.")] = 64,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    allow_import: Annotated[
        bool, typer.Option(help="Import code that a scenario names as module:object.")
    ] = False,
    allow_code: Annotated[
        bool,
        typer.Option(help="Let the scorer unit-tests run code that models write, in a bubblewrap sandbox."),
    ] = False,
    harness: Annotated[
        Literal["lm-eval"] | None,
        typer.Option(help="Run EleutherAI's harness, too; needs --model, --tasks and --base-url."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The model that is served, whose tokenizer the harness reads.")
    ] = None,
    tasks: Annotated[str | None, typer.Option(help="The harness's tasks, with commas between them.")] = None,
    base_url: Annotated[
        str | None, typer.Option(help="The server: vLLM's, say http://127.0.0.1:8000/v1, or any like it.")
    ] = None,
    served_name: Annotated[
        str | None, typer.Option(help="What the server calls the model, if it is not --model.")
    ] = None,
    chat: Annotated[bool, typer.Option(help="Let the harness ask in chats, not in plain text.")] = False,
    harness_arg: Annotated[
        list[str] | None,
        typer.Option(metavar="ARGUMENT", help="Passed on to the harness: --harness-arg=--num_fewshot=0."),
    ] = None,
) -> None:
    """Accuracy with 95 % intervals, pass@k and maj@k, tokens, detours, revised answers; and two arms compared."""
    from dataclasses import asdict

    import orjson
    from rich.console import Console

    from longthought.agents.errors import UsageError
    from longthought.scenarios.eval_runs import GREEDY, EvalOptions, EvalRuns
    from longthought.scenarios.eval_tables import scores, sentence, tables
    from longthought.scenarios.plain_text import plain
    from longthought.synth.corpus.slug import slug
    from longthought.train.evaluating.lm_eval import run_harness
    from longthought.train.evaluating.report import arm_of, as_json, report_on, versus

    if not subjects and harness is None:
        raise UsageError("eval: name runs, scenarios, or, with --on, models")
    if alone and (against or on or len(subjects or ()) != 1):
        raise UsageError("--alone: needs one scenario as the subject, and no --against or --on")
    asked = None
    if harness is not None:
        from longthought.scenarios.harness import harness_run

        asked = harness_run(model, tasks, base_url, served_name, chat, limit, harness_arg or ())
    runs = EvalRuns(
        EvalOptions(
            on=on,
            sets=tuple(set_ or ()),
            limit=limit,
            max_connections=max_connections,
            allow_import=allow_import,
            allow_code=allow_code,
            trained_on=tuple(trained_on or ()),
            allow_seen=allow_seen,
            anew=alone or bool(set_) or limit is not None,
        )
    )
    if out is not None:
        from longthought.synth.picture import check_picture

        check_picture(out / "plot.svg")
    sides = [runs.of(subjects)] if subjects else []
    if alone:
        sides.append(runs.of(subjects or (), "-alone", GREEDY))
    elif against:
        sides.append(runs.of(against))
    arms = [arm_of([report_on(each.run, seed, each.problems) for each in side], seed) for side in sides]
    gap = versus(arms[0], arms[1], seed) if len(arms) > 1 else None
    told = as_json(arms, gap, seed) | {"notes": runs.notes}
    console = Console()
    if not json:
        for table in tables(arms) if arms else ():
            console.print(table)
        said = [sentence(arms[0], arms[1], gap)] if gap is not None else []
        for line in (*said, *runs.notes):
            console.print(plain(line), soft_wrap=True)
    # What is ours is on the disk before anybody else is waited for.
    if out is not None:
        _write(out, arms, told)
    if asked is not None:
        found = run_harness(asked, (out or Path("runs")) / f"lm-eval-{slug(asked.served)}")
        told["lm_eval"] = [asdict(score) for score in found]
        if not json:
            console.print(scores(asked.served, found))
        if out is not None:
            _write(out, arms, told)
    if json:
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())


def _write(out: Path, arms: Sequence[Arm], told: Mapping[str, Any]) -> None:
    import orjson

    from longthought.scenarios.replace_file import replace_file
    from longthought.train.evaluating.plot import draw_curves
    from longthought.train.evaluating.token_curve import as_csv

    out.mkdir(parents=True, exist_ok=True)
    option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    replace_file(out / "eval.json", orjson.dumps(told, option=option).decode())
    if curves := [(run.name, run.curve) for arm in arms for run in arm.runs]:
        replace_file(out / "curve.csv", as_csv(curves))
        draw_curves(curves, out / "plot.svg")
