"""One round of a loop: what was asked and solved, what was learned, and how good that is on problems held out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from longthought.agents.errors import RunError
from longthought.agents.problems import Problem, ProblemKey
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.synth.clean.same_problem import keys_of, problem_keys
from longthought.synth.corpus.manifest import read_manifest
from longthought.train.loops.commands import Commands, Model, Seat


@dataclass(frozen=True, slots=True)
class Round:
    """What a loop leaves behind of a round; places are those that its commands gave.

    Attributes:
        answers: every try of this round without a hint; None in round 0.
        hinted: those with the answer as a hint, where there were any.
        corpus: what was trained on; None where nothing new was learned.
        models: who sits where from now on.
        evaluation: transcripts of the held-out problems.
    """

    number: int
    models: Mapping[Seat, Model]
    answers: Path | None = None
    hinted: Path | None = None
    corpus: Path | None = None
    evaluation: Path | None = None


def at(number: int, what: str) -> str:
    """The place of something in a round."""
    return f"round-{number}/{what}"


def base_round(do: Commands, models: Mapping[Seat, Model]) -> Round:
    """Round 0: the base, evaluated."""
    return Round(0, models, evaluation=do.evaluate(at(0, "evaluation"), models))


def solved(answers: Path, *, hinted: bool = False) -> list[Problem]:
    """The problem of every try that was right, and was told nothing unless all had a hint."""
    return [
        each.problem for each in read_transcripts(answers) if each.right and (hinted or not each.informed)
    ]


def unsolved(problems: Sequence[Problem], answers: Path) -> list[Problem]:
    """Those of which nobody's try was right, under whatever ids they were asked."""
    right = keys_of(solved(answers))
    return [problem for problem in problems if not problem_keys(problem) & right]


def has_pairs(answers: Path) -> bool:
    """Whether a problem was tried both rightly and wrongly, by tries that were told nothing."""
    seen: defaultdict[ProblemKey, set[bool]] = defaultdict(set)
    for each in read_transcripts(answers):
        if not each.informed and (each.outcome.is_right or each.outcome.is_wrong):
            seen[each.problem.key].add(each.right)
    return any(len(kinds) == 2 for kinds in seen.values())


def nothing_learned(name: str, why: str) -> RunError:
    """The error of a loop that cannot go on."""
    return RunError(
        f"{name}: {why}, so there is nothing to learn from; take more samples, easier problems, or a better base"
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """A round in numbers. Tokens are those that models wrote when they were asked; ``rows`` those trained on."""

    round: int
    asked: int
    tries: int
    solved: int
    #: Of these only with the answer as a hint.
    hinted: int
    tokens: int
    rows: int
    model: str


def figures(one: Round) -> Figures:
    """Counted from what the round left behind."""
    every = [each for path in (one.answers, one.hinted) if path for each in read_transcripts(path)]
    unaided = {problem.id for problem in solved(one.answers)} if one.answers else set[str]()
    by_hint = {problem.id for problem in solved(one.hinted, hinted=True)} if one.hinted else set[str]()
    return Figures(
        round=one.number,
        asked=len({each.problem.id for each in every}),
        tries=len(every),
        solved=len(unaided | by_hint),
        hinted=len(by_hint - unaided),
        tokens=sum(_tokens(every)),
        rows=_rows(one.corpus),
        model=" + ".join(dict.fromkeys(_told(model) for model in one.models.values())),
    )


def _tokens(transcripts: Sequence[Transcript]) -> Iterator[int]:
    for each in transcripts:
        yield from (usage.completion for usage in each.usage.values())


def _rows(corpus: Path | None) -> int:
    if corpus is None:
        return 0
    return sum(sum(counts.rows.values()) for counts in read_manifest(corpus).kinds.values())


def _told(model: Model) -> str:
    if isinstance(model, Path):
        return f"{model.parent.name}/{model.name}"
    return model if isinstance(model, str) else "random weights"
