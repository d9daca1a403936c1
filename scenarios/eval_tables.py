"""How an evaluation is printed: one table for each question that somebody asks of it, where there is an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table

from longthought.scenarios.plain_text import plain
from longthought.train.evaluate import ENDS
from longthought.train.evaluating.lm_eval import Score
from longthought.train.evaluating.report import Arm, RunReport, Versus
from longthought.train.results import Interval
from longthought.train.trap_pairs import TrapFigures


def tables(arms: Sequence[Arm]) -> Iterator[RenderableType]:
    """Everything about the runs of one arm or two."""
    runs = [run for arm in arms for run in arm.runs]
    yield _accuracy(arms)
    if any(run.evaluation.share(end) for run in runs for end in ENDS[2:]) or any(
        run.evaluation.mean("forced") for run in runs
    ):
        yield _ends(runs)
    if any(len(run.evaluation.votes) > 1 for run in runs):
        yield _at_k(runs)
    if any(run.revisions.pairs for run in runs):
        yield _revisions(runs)
    for fact in dict.fromkeys(fact for run in runs for fact in run.by):
        yield _by(fact, [run for run in runs if fact in run.by])
    for run in runs:
        if run.traps:
            yield _traps(run.name, run.traps)


def sentence(one: Arm, other: Arm, versus: Versus) -> str:
    """The difference of two arms in words."""
    gap, pairs = versus.difference, versus.pairs
    if pairs is None:
        seeds = f"{len(one.runs)} and {len(other.runs)} runs"
        return (
            f"{one.name} minus {other.name}, {seeds} over {gap.n} problems: {gap.mean:+.1%} "
            f"(95 % {gap.low:+.1%} to {gap.high:+.1%}, over seeds and problems)"
        )
    return (
        f"{one.name} minus {other.name}, paired over {gap.n} problems: {gap.mean:+.1%} "
        f"(95 % {gap.low:+.1%} to {gap.high:+.1%}; only the first right {pairs.only_first}, only the second "
        f"{pairs.only_second}; exact McNemar p = {pairs.p:.2g})"
    )


def scores(model: str, found: Sequence[Score]) -> Table:
    """What the harness says of a model."""
    table = _table(f"lm-eval: {model}", "task", "metric", "filter", "value", "± 1.96 SE", "samples")
    for one in found:
        error = "" if one.error is None else f"{1.96 * one.error:.3f}"
        samples = "" if one.samples is None else str(one.samples)
        row = (one.task, one.metric, one.filter, f"{one.value:.3f}", error, samples)
        table.add_row(*(plain(cell) for cell in row))
    return table


def _accuracy(arms: Sequence[Arm]) -> Table:
    table = _table(
        "", "run", "problems", "accuracy", "95 %", "policy tokens", "critic tokens", "with a detour"
    )
    for arm in arms:
        for run in arm.runs:
            one = run.evaluation
            _row(
                table,
                run.name,
                str(len(one.trials)),
                *_figures(one.accuracy),
                f"{one.mean('policy_tokens'):.1f}",
                f"{one.mean('critic_tokens'):.1f}",
                f"{one.mean('detoured'):.0%}",
            )
        if len(arm.runs) > 1:
            name = f"{arm.name}, mean of {len(arm.runs)}"
            _row(table, name, str(arm.mean.n), *_figures(arm.mean), "", "", "", style="bold")
            table.add_section()
    return table


def _ends(runs: Sequence[RunReport]) -> Table:
    heads = ("cut at a limit" if end == "cut" else end for end in ENDS)
    table = _table("how they ended", "run", *heads, "told to conclude")
    for run in runs:
        shares = (f"{run.evaluation.share(end):.1%}" for end in ENDS)
        _row(table, run.name, *shares, f"{run.evaluation.mean('forced'):.1%}")
    table.caption = (
        "cut: no answer before a limit, and not counted as wrong; told to conclude: and then did answer"
    )
    return table


def _at_k(runs: Sequence[RunReport]) -> Table:
    table = _table("k samples a problem", "run", "k", "tokens", "pass@k", "95 %", "maj@k", "95 %")
    for run in runs:
        for point in run.curve:
            if point.by == "votes" and point.passed is not None:
                figures = (*_figures(point.passed), *_figures(point.accuracy))
                _row(table, run.name, str(point.at), f"{point.tokens:.1f}", *figures)
        table.add_section()
    return table


def _revisions(runs: Sequence[RunReport]) -> Table:
    table = _table("answers revised", "run", "pairs", "right → wrong", "wrong → right", "not known")
    for run in runs:
        one = run.revisions
        lost = _of(one.lost, one.kept + one.lost)
        gained = _of(one.gained, one.gained + one.stayed)
        _row(table, run.name, str(one.pairs), lost, gained, str(one.unknown))
    return table


def _by(fact: str, runs: Sequence[RunReport]) -> Table:
    table = _table(f"by {fact}", fact, *("problems", *(run.name for run in runs)))
    names = dict.fromkeys(name for run in runs for name in run.by[fact])
    for name in names:
        found = [run.by[fact].get(name) for run in runs]
        count = max(each.n for each in found if each is not None)
        cells = (
            "" if each is None else f"{each.mean:.1%} ({each.low:.0%} to {each.high:.0%})" for each in found
        )
        _row(table, name, str(count), *cells)
    return table


def _traps(run: str, figures: Mapping[str, TrapFigures]) -> Table:
    heads = ("type", "traps", "named", "unscored", "twins", "twin solved", "both")
    table = _table(f"{run}: traps", *heads)
    for name, one in figures.items():
        rates = (one.named, one.unscored, one.twin_solved, one.both)
        named, unscored, solved, both = ("none" if rate is None else f"{rate:.1%}" for rate in rates)
        _row(table, name, str(one.traps), named, unscored, str(one.twins), solved, both)
    return table


def _table(title: str, *heads: str) -> Table:
    """An empty table; its first column is words, the others are figures."""
    table = Table(header_style="bold", title=plain(title) if title else None, title_justify="left")
    for place, head in enumerate(heads):
        table.add_column(plain(head), justify="right" if place else "left", no_wrap=head == "95 %")
    return table


def _row(table: Table, *cells: str, style: str = "") -> None:
    table.add_row(*(plain(cell, style) for cell in cells))


def _figures(found: Interval) -> tuple[str, str]:
    return f"{found.mean:.1%}", f"{found.low:.1%} to {found.high:.1%}"


def _of(part: int, whole: int) -> str:
    return f"{part / whole:.0%} of {whole}" if whole else "none revised"
