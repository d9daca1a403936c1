"""What a run's transcripts amount to: outcomes, decisions, tokens and accuracy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from longthought.protocols.transcript import SeatUsage, Transcript


@dataclass
class Summary:
    """Counts over transcripts."""

    debates: int = 0
    solved: int = 0
    turns: int = 0
    thoughts: int = 0
    asked_again: int = 0
    failed_attempts: int = 0
    #: Verdicts that were made while a reward could not be had.
    reward_missing: int = 0
    #: Of the debates that ended in an error, the first: its number and why.
    first_error: tuple[int, str] | None = None
    #: Debates with a text that looks like an injection.
    suspects: int = 0
    #: Debates with a backtrack or a reflection in them.
    detours: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])
    decisions: Counter[str] = field(default_factory=Counter[str])
    usage: dict[str, SeatUsage] = field(default_factory=dict[str, SeatUsage])
    calls: Counter[str] = field(default_factory=Counter[str])

    @property
    def accuracy(self) -> float | None:
        """Share of all debates that were solved, whatever ended the others; None without debates."""
        return self.solved / self.debates if self.debates else None

    def add(self, transcript: Transcript) -> None:
        self.debates += 1
        self.solved += transcript.right
        self.turns += transcript.turns
        self.thoughts += len(transcript.thoughts)
        self.asked_again += len(transcript.asked_again)
        self.failed_attempts += transcript.failed_attempts
        self.reward_missing += sum(judgement.reward_missing for judgement in transcript.judgements)
        self.suspects += transcript.suspect_injection
        self.outcomes[transcript.outcome.told] += 1
        if self.first_error is None and transcript.outcome.group == "error":
            self.first_error = (transcript.number, transcript.outcome.why)
        kinds = [judgement.decision.kind for judgement in transcript.judgements]
        self.decisions.update(kinds)
        self.detours += any(kind in ("backtrack", "reflect") for kind in kinds)
        self.calls.update(transcript.calls)
        for seat, used in transcript.usage.items():
            before = self.usage.get(seat, SeatUsage())
            self.usage[seat] = SeatUsage(
                prompt=before.prompt + used.prompt,
                completion=before.completion + used.completion,
                cached=before.cached + used.cached,
            )


def summarise(transcripts: Iterable[Transcript]) -> Summary:
    """The summary of the transcripts, which are read one at a time."""
    summary = Summary()
    for transcript in transcripts:
        summary.add(transcript)
    return summary
