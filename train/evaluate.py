"""What a run says of the model in it: accuracy, how its debates ended, tokens and detours, problem by problem.

A model alone is the protocol ``monologue``, one that writes whole long thoughts ``long-thought``, one in a debate
``debate``; all leave the same transcripts, so all are evaluated from their run directories. Detours of a long thought
are guessed from its words, as those of imported thoughts are (``synth.imports.to_transcript``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal, get_args

from longthought.agents.decisions import Backtrack, Reflect
from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem, ProblemKey, hash_problems
from longthought.protocols import outcomes
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.synth.imports.whole_reply import taken_apart
from longthought.synth.stats.profile import number_first
from longthought.synth.stats.told import LEVELS, fact_of
from longthought.train.allowance import Try, vote_of
from longthought.train.compare import Comparison, compare
from longthought.train.evaluating.at_k import maj_at_k, pass_at_k, powers_up_to
from longthought.train.results import Interval, bootstrap_mean

#: ``cut``: a limit ended it before it answered, which is not to be wrong; ``unscored``: nobody can tell.
End = Literal["right", "wrong", "cut", "unscored", "gave up", "error"]
ENDS: tuple[End, ...] = get_args(End)

#: What has a mean.
Figure = Literal["forced", "policy_tokens", "critic_tokens", "tokens", "detours", "detoured"]
FIGURES: tuple[Figure, ...] = get_args(Figure)

Fact = Literal["level", "subject"]
#: What problems call these in their metadata.
FACTS: Mapping[Fact, Sequence[str]] = {
    "level": LEVELS,
    "subject": ("subject", "type", "topic", "category", "domain"),
}
#: More values than these tell single problems apart, not groups of them.
_MOST_GROUPS = 24


@dataclass(frozen=True, slots=True)
class Sample:
    """One debate, or one thought.

    Attributes:
        tokens: those that models wrote (completion tokens), of all seats together.
        forced: it was told to conclude, for its budget was nearly spent, and it did answer.
    """

    end: End
    answer: str | None
    policy_tokens: int
    critic_tokens: int
    tokens: int
    detours: int
    forced: bool

    @property
    def right(self) -> bool:
        return self.end == "right"

    @property
    def detoured(self) -> bool:
        return self.detours > 0


@dataclass(frozen=True, slots=True)
class Trial:
    """One problem in one run."""

    problem: Problem
    samples: tuple[Sample, ...]

    @property
    def right(self) -> float:
        return self.share("right")

    @property
    def tries(self) -> list[Try]:
        """The samples as ``allowance`` takes them, with all their tokens."""
        return [Try(sample.tokens, sample.answer, sample.right) for sample in self.samples]

    def mean(self, field: Figure) -> float:
        """Of a field of ``Sample`` over the samples."""
        return fmean(getattr(sample, field) for sample in self.samples)

    def share(self, end: End) -> float:
        return fmean(sample.end == end for sample in self.samples)

    def passed(self, k: int) -> float:
        """pass@k."""
        return pass_at_k(len(self.samples), sum(sample.right for sample in self.samples), k)

    def voted(self, k: int) -> float:
        """maj@k."""
        return maj_at_k([(sample.answer, sample.right) for sample in self.samples], k)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One run over its problem set."""

    run: Path
    trials: Mapping[str, Trial]
    accuracy: Interval

    @property
    def results(self) -> dict[str, float]:
        """By problem, the share of its samples that is right."""
        return {problem: trial.right for problem, trial in self.trials.items()}

    @property
    def votes(self) -> list[int]:
        """The k of pass@k and maj@k: powers of two up to the samples that every problem has."""
        return powers_up_to(min(len(trial.samples) for trial in self.trials.values()))

    def mean(self, field: Figure) -> float:
        """Of a field of ``Sample`` over the problems, each averaged over its samples before."""
        return fmean(trial.mean(field) for trial in self.trials.values())

    def share(self, end: End) -> float:
        """How many ended so."""
        return fmean(trial.share(end) for trial in self.trials.values())

    def by(self, fact: Fact, seed: int = 0) -> dict[str, Interval]:
        """Accuracy by level or subject; empty where the problems do not differ in it, or each has its own."""
        groups: defaultdict[str, list[float]] = defaultdict(list)
        for trial in self.trials.values():
            value = fact_of(trial.problem, FACTS[fact])
            groups["none given" if value is None else value].append(trial.right)
        if not 1 < len(groups) <= _MOST_GROUPS:
            return {}
        return {name: bootstrap_mean(groups[name], seed=seed) for name in sorted(groups, key=number_first)}


def transcripts_of(run: Path, only: Container[ProblemKey] | None) -> Iterator[Transcript]:
    """Those of the problems with these keys; None is all of them."""
    return (each for each in read_transcripts(run) if only is None or each.problem.key in only)


def evaluate(run: Path, seed: int = 0, only: Container[ProblemKey] | None = None) -> Evaluation:
    """Read a finished run. Its problems are named by their ids; where several share one, by a digest of theirs as well.

    Args:
        only: the keys of the problems that are asked for; None is all of them.

    Raises:
        UsageError: no such run, or it holds no finished debate.
    """
    samples: defaultdict[ProblemKey, list[tuple[int, Sample]]] = defaultdict(list)
    problems: dict[ProblemKey, Problem] = {}
    for transcript in transcripts_of(run, only):
        problems[transcript.problem.key] = transcript.problem
        samples[transcript.problem.key].append((transcript.epoch, _sample(transcript)))
    if not samples:
        raise UsageError(f"{run}: no finished debate to evaluate")
    shared = Counter(problem.id for problem in problems.values())
    trials = {
        problem.id if shared[problem.id] == 1 else f"{problem.id}/{hash_problems([problem])[:8]}": Trial(
            problem,
            tuple(sample for _, sample in sorted(samples[key], key=lambda one: one[0])),
        )
        for key, problem in problems.items()
    }
    return Evaluation(run, trials, bootstrap_mean([trial.right for trial in trials.values()], seed=seed))


def paired(one: Evaluation, other: Evaluation, seed: int = 0) -> Comparison:
    """``one`` minus ``other`` over the problems that both runs hold.

    Raises:
        UsageError: they share no problem, or an id stands for another one in each.
    """
    check_same([one, other])
    return compare(one.results, other.results, seed=seed)


def check_same(runs: Iterable[Evaluation]) -> None:
    """That an id stands for one problem in all of the runs: files of the same name number their problems alike.

    The same problem may be put in other words, as long as its gold answer is the same.

    Raises:
        UsageError: it does not.
    """
    known: dict[str, tuple[Path, Problem]] = {}
    for run in runs:
        for name, trial in run.trials.items():
            where, there = known.setdefault(name, (run.run, trial.problem))
            if there.question != trial.problem.question and (
                there.gold is None or there.gold != trial.problem.gold
            ):
                raise UsageError(
                    f"{run.run}: its problem {name} is another one than that of {where}, so the two runs cannot be "
                    "compared problem by problem; give the problems ids of their own"
                )


def _sample(transcript: Transcript) -> Sample:
    def tokens(seat: str) -> int:
        used = transcript.usage.get(seat)
        return used.completion if used else 0

    end = _end(transcript)
    path = transcript.final_path
    judged = taken_apart(transcript).judgements
    return Sample(
        end=end,
        answer=vote_of(transcript),
        policy_tokens=tokens("policy"),
        critic_tokens=tokens("critic"),
        tokens=sum(used.completion for used in transcript.usage.values()),
        detours=sum(isinstance(one.decision, Backtrack | Reflect) for one in judged),
        forced=end in ("right", "wrong", "unscored") and bool(path) and path[-1].concluding,
    )


def _end(transcript: Transcript) -> End:
    outcome = transcript.outcome
    if outcome.is_right:
        return "right"
    if outcome.is_wrong:
        return "wrong"
    match outcome.group:
        case "limit":
            return "cut"
        case outcomes.GAVE_UP:
            return "gave up"
        case "error":
            return "error"
        case _:
            return "unscored"
