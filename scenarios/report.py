"""Reads a run: its critic's mistakes against the best truth at hand, and how far the members of a panel agree."""

from __future__ import annotations

from pathlib import Path

import orjson

from longthought.agents.errors import UsageError
from longthought.agents.rewards.contract import Reward
from longthought.protocols.transcript import Transcript, read_transcripts
from longthought.scenarios.manifest import read_manifest
from longthought.scenarios.replace_file import replace_file
from longthought.scenarios.reward_spec import RewardSpec
from longthought.scenarios.rewards import Wants, make_reward
from longthought.scenarios.show import run_path
from longthought.synth.accounts import (
    Account,
    account,
    best_truth,
    has_rule,
    mistakes,
    truth_by_outcome,
    truth_by_rule,
)
from longthought.synth.agreement import Agreement, agreement, disputes, votes_of


async def count(
    run: str, truth: str | None = None, *, allow_import: bool = False
) -> tuple[Account, int, str]:
    """The account of a whole run, over how many debates, and what it was counted against.

    Raises:
        UsageError: no such run, no debate in it, or no such reward.
    """
    total, debates = Account(), 0
    rule: Reward | None = None
    told = "the scorer's word on the answers"
    for transcript in read_transcripts(run_path(run)):
        if not debates:
            name = truth or ("countdown-oracle" if has_rule(transcript.problem) else None)
            if name is not None:
                spec = RewardSpec(mode="off")
                rule = make_reward(name, "--truth", spec, Wants(), allow_import=allow_import)
                told = name
        debates += 1
        known = await truth_by_rule(transcript, rule) if rule else truth_by_outcome(transcript)
        total += account(transcript, known)
    if rule is not None:
        await rule.close()
    if not debates:
        raise UsageError(f"{run}: no finished debate to count yet")
    return total, debates, told


def has_critic(run: Path) -> bool:
    """Whether a critic's decisions are in the run, as far as its manifest says; a file of transcripts has none."""
    manifest = read_manifest(run) if run.is_dir() else None
    return manifest is None or manifest.scenario.get("protocol") not in ("monologue", "best-of-n")


async def critics_mistakes(run: Path, transcript: Transcript) -> dict[int, str]:
    """The critic's mistakes in one debate of the run, by thought id; none where no critic sat."""
    return mistakes(transcript, await best_truth(transcript)) if has_critic(run) else {}


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
    replace_file(file, "".join(orjson.dumps(row).decode() + "\n" for _, row in rows))
    return len(rows)
