"""Runs of scripted debates on disk, for the tests of what is derived from them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from longthought.agents.models.contract import Reply
from longthought.agents.models.scripted import ScriptedModel
from longthought.agents.problems import Problem
from longthought.agents.prompts import Prompts
from longthought.agents.seats.context import Context, ContextKind
from longthought.agents.seats.critic import CriticAgent
from longthought.agents.seats.policy import PolicyAgent
from longthought.protocols.budget import Budget
from longthought.protocols.debate import Debate
from longthought.protocols.journal import Journal
from longthought.protocols.runner import Assignment, run_debates
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from tests.protocols.scripted_debates import LastWord


@dataclass(frozen=True)
class Script:
    """One debate: what the policy writes and what the critic answers, line by line."""

    steps: Sequence[str | Reply]
    verdicts: Sequence[str]
    problem: str = "p"
    epoch: int = 0
    gold: str | None = "4"


#: A backtrack to a step, one to the problem, and a reflection, on the way to the right answer.
DETOURS = Script(
    ["3-1 is 2", "2*3 is 7", "2*3 is 6", "6 is too much already", "2+2 is 4", "answer: 4"],
    [
        "continue",
        "backtrack 1: 2*3 is not 7",
        "reflect: can 6 still become 4?",
        "backtrack 0: no way down from 6",
        "continue",
        "terminate solved",
    ],
)


def play_run(
    directory: Path,
    scripts: Sequence[Script],
    *,
    tell: bool = False,
    kind: ContextKind = "per_seat",
    prompts: str = "default",
    turns: int = 24,
    conclude_at: float = 1.0,
) -> tuple[ScriptedModel, ScriptedModel]:
    """Play the scripts one after the other into ``directory``; the models, for what they were asked."""
    directory.mkdir(exist_ok=True)
    policy = ScriptedModel([step for script in scripts for step in script.steps], "policy")
    critic = ScriptedModel([verdict for script in scripts for verdict in script.verdicts], "critic")
    context = Context(Prompts(prompts), kind)
    rules = Debate(
        PolicyAgent(policy, context),
        CriticAgent(critic, context),
        LastWord(),
        Budget(turns=turns, conclude_at=conclude_at),
        on_wrong_answer="tell" if tell else "stop",
    )
    todo = [
        Assignment(number, Problem(id=s.problem, question=f"{s.problem}: 2+2?", gold=s.gold), s.epoch, number)
        for number, s in enumerate(scripts)
    ]
    journal = Journal(directory)
    try:
        asyncio.run(run_debates(todo, rules, journal, max_debates=1))
    finally:
        journal.close()
    return policy, critic


def transcript_of(directory: Path, script: Script, *, tell: bool = False, turns: int = 24) -> Transcript:
    """The transcript of one script."""
    play_run(directory, [script], tell=tell, turns=turns)
    (transcript,) = read_transcripts(directory)
    return transcript
