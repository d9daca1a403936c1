"""What a run would do, told without doing it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from longthought.agents.problems import Problem
from longthought.scenarios.bounds import bounds_of
from longthought.scenarios.build import build
from longthought.scenarios.load import Loaded
from longthought.scenarios.plain_text import plain
from longthought.scenarios.problem_source import problems_of
from longthought.scenarios.run import RunOptions, run_dir_of

#: How many problems are printed in full.
SHOWN = 5


async def dry_run(loaded: Loaded, options: RunOptions) -> RenderableType:
    """The problems, the most requests and tokens that the run can make, and the files that it would write.

    Everything is built, so that whatever a run would refuse is refused here; nothing is asked or written.

    Raises:
        UsageError: as a run would.
    """
    problems = problems_of(loaded, options.limit, allow_import=options.allow_import)
    built = build(
        loaded,
        problems,
        allow_import=options.allow_import,
        allow_code=options.allow_code,
        attempt_timeout=options.attempt_timeout,
    )
    models = {name: model.name for name, model in built.engines.built.items()}
    await built.close()
    return Group(_problems(problems), Text(), _figures(loaded, options, len(problems), models))


def _problems(problems: Sequence[Problem]) -> RenderableType:
    table = Table("problem", "question", "scorer", title=f"{len(problems)} problems", title_justify="left")
    for problem in problems[:SHOWN]:
        table.add_row(plain(problem.id), plain(problem.question, longest=300), plain(problem.scorer))
    if len(problems) > SHOWN:
        table.add_row(Text("…"), Text(f"and {len(problems) - SHOWN} more"), Text())
    return table


def _figures(loaded: Loaded, options: RunOptions, problems: int, models: dict[str, str]) -> RenderableType:
    scenario = loaded.scenario
    bounds = bounds_of(scenario, problems * scenario.epochs)
    run_dir = run_dir_of(loaded, options)
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("debates", Text(f"{bounds.debates} ({problems} problems × {scenario.epochs} epochs)"))
    for seat, spec in scenario.sitting.items():
        table.add_row(
            seat, plain(f"agent {spec.agent}" if spec.agent else f"{spec.model} ({models[spec.model or '']})")
        )
    table.add_row("requests", Text(_at_most(bounds.requests)))
    table.add_row("completion tokens", Text(_at_most(bounds.tokens)))
    if bounds.cost is not None:
        table.add_row("cost of completions", Text(f"at most {bounds.cost:.2f}"))
    files = "manifest.json, journal-0.jsonl, transcripts.jsonl.zst"
    table.add_row(
        "would write",
        plain(f"{run_dir}/ ({files})" + (", which is there already" if run_dir.exists() else "")),
    )
    return table


def _at_most(count: int | None) -> str:
    return "known only to the agent or plug-in" if count is None else f"at most {count:,}"
