"""What a run says of the model in it: accuracy, tokens a problem, and how it compares with another run, pair by pair.

A model alone is the protocol ``monologue``, a model in a debate is ``debate``; both leave the same transcripts, so both
are evaluated from their run directories and nothing here knows how they were played.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from longthought.agents.errors import UsageError
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.train.compare import Comparison, compare
from longthought.train.results import Interval, bootstrap_mean


@dataclass(frozen=True, slots=True)
class Trial:
    """One problem in one run, averaged over its epochs. Tokens are those that models wrote (completion tokens)."""

    right: float
    policy_tokens: float
    critic_tokens: float
    detoured: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One run over its problem set."""

    run: Path
    trials: Mapping[str, Trial]
    accuracy: Interval

    def mean(self, field: str) -> float:
        """Mean of a field of ``Trial`` over the problems."""
        return fmean(getattr(trial, field) for trial in self.trials.values())


def evaluate(run: Path, seed: int = 0) -> Evaluation:
    """Read a finished run.

    Raises:
        UsageError: no such run, or it holds no finished debate.
    """
    samples: defaultdict[str, list[Transcript]] = defaultdict(list)
    for transcript in read_transcripts(run):
        samples[transcript.problem.id].append(transcript)
    if not samples:
        raise UsageError(f"{run}: no finished debate to evaluate")
    trials = {problem: _trial(of) for problem, of in samples.items()}
    return Evaluation(run, trials, bootstrap_mean([trial.right for trial in trials.values()], seed=seed))


def paired(one: Evaluation, other: Evaluation, seed: int = 0) -> Comparison:
    """``one`` minus ``other`` over the problems that both runs hold.

    Raises:
        UsageError: they share no problem.
    """
    return compare(
        {problem: trial.right for problem, trial in one.trials.items()},
        {problem: trial.right for problem, trial in other.trials.items()},
        seed=seed,
    )


def _trial(samples: Sequence[Transcript]) -> Trial:
    def tokens(transcript: Transcript, seat: str) -> int:
        used = transcript.usage.get(seat)
        return used.completion if used else 0

    return Trial(
        right=fmean(float(t.right) for t in samples),
        policy_tokens=fmean(tokens(t, "policy") for t in samples),
        critic_tokens=fmean(tokens(t, "critic") for t in samples),
        detoured=fmean(
            float(any(j.decision.kind in ("backtrack", "reflect") for j in t.judgements)) for t in samples
        ),
    )
