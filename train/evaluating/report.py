"""What an evaluation leaves: every figure as JSON, the token curves as CSV and as a picture."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from longthought.agents.problems import ProblemKey
from longthought.train.compare import Comparison
from longthought.train.evaluate import (
    ENDS,
    FACTS,
    FIGURES,
    Evaluation,
    check_same,
    evaluate,
    paired,
    transcripts_of,
)
from longthought.train.evaluating.arms import over_seeds
from longthought.train.evaluating.revisions import Revisions, revisions
from longthought.train.evaluating.token_curve import Point, curve
from longthought.train.results import Interval
from longthought.train.trap_pairs import TrapFigures, trap_figures


@dataclass(frozen=True, slots=True)
class RunReport:
    """All figures of one run."""

    evaluation: Evaluation
    revisions: Revisions
    curve: Sequence[Point]
    by: Mapping[str, Mapping[str, Interval]]
    traps: Mapping[str, TrapFigures]

    @property
    def name(self) -> str:
        return self.evaluation.run.name

    def as_json(self) -> dict[str, Any]:
        """Shares and means are over problems, each averaged over its samples before."""
        one = self.evaluation
        votes = [point for point in self.curve if point.by == "votes"]
        return {
            "run": self.name,
            "problems": len(one.trials),
            "samples": sum(len(trial.samples) for trial in one.trials.values()),
            "accuracy": asdict(one.accuracy),
            "ends": {end: one.share(end) for end in ENDS},
            **{figure: one.mean(figure) for figure in FIGURES},
            "at_k": [
                {
                    "k": point.at,
                    "tokens": point.tokens,
                    "pass": asdict(point.passed) if point.passed else None,
                    "maj": asdict(point.accuracy),
                }
                for point in votes
            ],
            "revisions": {
                **asdict(self.revisions),
                "lost_rate": self.revisions.lost_rate,
                "gained_rate": self.revisions.gained_rate,
            },
            "by": {
                fact: {name: asdict(found) for name, found in groups.items()}
                for fact, groups in self.by.items()
            },
            "traps": {name: asdict(figures) for name, figures in self.traps.items()},
            "results": one.results,
        }


@dataclass(frozen=True, slots=True)
class Arm:
    """Runs of one recipe, one for each seed of its training; ``mean`` is over seeds and problems."""

    name: str
    runs: Sequence[RunReport]
    mean: Interval


@dataclass(frozen=True, slots=True)
class Versus:
    """The first arm minus the second; ``pairs`` only where each is a single run."""

    difference: Interval
    pairs: Comparison | None = None


def report_on(run: Path, seed: int = 0, only: Container[ProblemKey] | None = None) -> RunReport:
    """Everything about a finished run, or about what it says of the problems with these keys.

    Raises:
        UsageError: no such run, or it holds no finished debate.
    """
    evaluation = evaluate(run, seed, only)
    return RunReport(
        evaluation,
        revisions(transcripts_of(run, only)),
        curve(evaluation, seed),
        {fact: groups for fact in FACTS if (groups := evaluation.by(fact, seed))},
        trap_figures(transcripts_of(run, only)),
    )


def arm_of(reports: Sequence[RunReport], seed: int = 0) -> Arm:
    """The arm of these runs, named by what their names begin with."""
    if len(reports) == 1:
        return Arm(reports[0].name, reports, reports[0].evaluation.accuracy)
    letters = zip(*(report.name for report in reports), strict=False)
    common = "".join(letter for letter, *_ in takewhile(lambda same: len(set(same)) == 1, letters))
    common = common.rstrip("-_.0123456789")
    check_same(report.evaluation for report in reports)
    mean = over_seeds([report.evaluation.results for report in reports], seed=seed)
    return Arm(common or f"{reports[0].name} …", reports, mean)


def versus(one: Arm, other: Arm, seed: int = 0) -> Versus:
    """The first arm minus the second, problem by problem.

    Raises:
        UsageError: they share no problem, or an id stands for another one in each.
    """
    if len(one.runs) == len(other.runs) == 1:
        pairs = paired(one.runs[0].evaluation, other.runs[0].evaluation, seed)
        return Versus(pairs.difference, pairs)
    check_same(run.evaluation for run in (*one.runs, *other.runs))
    first, second = ([run.evaluation.results for run in arm.runs] for arm in (one, other))
    return Versus(over_seeds(first, second, seed=seed))


def as_json(arms: Sequence[Arm], gap: Versus | None, seed: int) -> dict[str, Any]:
    """The whole evaluation."""
    told: dict[str, Any] = {
        "format": "longthought-eval/1",
        "seed": seed,
        "arms": [
            {"name": arm.name, "mean": asdict(arm.mean), "runs": [run.as_json() for run in arm.runs]}
            for arm in arms
        ],
    }
    if gap is not None:
        told["difference"] = asdict(gap.difference)
        if gap.pairs is not None:
            told["pairs"] = asdict(gap.pairs)
    return told
