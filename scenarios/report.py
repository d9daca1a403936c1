"""Reads a run: its critic's mistakes against the best truth at hand, and how far the members of a panel agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from longthought.agents.errors import UsageError
from longthought.agents.rewards.contract import Reward
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.manifest import read_manifest
from longthought.scenarios.replace_file import replace_file
from longthought.scenarios.reward_spec import RewardSpec
from longthought.scenarios.rewards import Wants, make_reward
from longthought.scenarios.show import run_path
from longthought.scenarios.summary import Summary
from longthought.synth.accounts import Account, account, mistakes, rule_for, truth_of
from longthought.synth.agreement import Agreement, agreement, disputes, votes_of


@dataclass
class Count:
    """The account of debates, each added once, and who said of their thoughts whether they are right.

    ``rule``: says so in all of them; by default each problem's own rule, and where it has none, the scorer.
    """

    rule: Reward | None = None
    account: Account = field(default_factory=Account)
    debates: int = 0
    _said: dict[str, None] = field(default_factory=dict[str, None])

    async def add(self, transcript: Transcript) -> None:
        rule = self.rule or rule_for(transcript.problem)
        self.account += account(transcript, await truth_of(transcript, rule))
        self.debates += 1
        self._said[rule.name if rule else "the scorer's word on the answers"] = None

    @property
    def truth(self) -> str:
        return " and ".join(self._said)


async def count(run: str, truth: str | None = None, *, allow_import: bool = False) -> Count:
    """The account of a whole run, against the reward that ``truth`` names or the best truth at hand.

    Raises:
        UsageError: no such run, no debate in it, or no such reward.
    """
    counted = Count()
    if truth is not None:
        counted.rule = make_reward(
            truth, "--truth", RewardSpec(mode="off"), Wants(), allow_import=allow_import
        )
    for transcript in read_transcripts(run_path(run)):
        await counted.add(transcript)
    if counted.rule is not None:
        await counted.rule.close()
    if not counted.debates:
        raise UsageError(f"{run}: no finished debate to count yet")
    return counted


async def overview(
    transcripts: Iterable[Transcript], judged: bool, first: int
) -> tuple[Summary, Count | None, list[Transcript]]:
    """A run's figures, its critic's account if it is ``judged``, and its ``first`` debates, all in one reading."""
    summary, counted = Summary(), Count() if judged else None
    listed: list[Transcript] = []
    for transcript in transcripts:
        summary.add(transcript)
        if counted is not None:
            await counted.add(transcript)
        if len(listed) < first:
            listed.append(transcript)
    return summary, counted, listed


def has_critic(run: Path) -> bool:
    """Whether a critic's decisions are in the run, as far as its manifest says; a file of transcripts has none."""
    manifest = read_manifest(run) if run.is_dir() else None
    return manifest is None or manifest.scenario.get("protocol") not in ("monologue", "best-of-n")


async def critics_mistakes(run: Path, transcript: Transcript) -> dict[int, str]:
    """The critic's mistakes in one debate of the run, by thought id; none where no critic sat."""
    if not has_critic(run):
        return {}
    return mistakes(transcript, await truth_of(transcript, rule_for(transcript.problem)))


def panel_agreement(run: str) -> Agreement | None:
    """How far the members of a run's panel agree; None without a panel.

    Raises:
        UsageError: no such run.
    """
    transcripts = read_transcripts(run_path(run))
    return agreement([votes for transcript in transcripts for votes in votes_of(transcript)])


def write_disagreements(run: str, file: Path) -> int:
    """Write the thoughts on which a run's panel disagrees as JSON lines, most disputed first; how many there are.

    Raises:
        UsageError: no such run, or its critic was no panel.
        RunError: the file cannot be written.
    """
    rows = [row for transcript in read_transcripts(run_path(run)) for row in disputes(transcript)]
    if not rows and panel_agreement(run) is None:
        raise UsageError(f"--disagreements {file}: the critic of {run} was no panel")
    # The sort is stable: equally disputed thoughts stay in the order of the run.
    rows.sort(key=lambda row: -row[0])
    replace_file(file, (orjson.dumps(row) + b"\n" for _, row in rows))
    return len(rows)
