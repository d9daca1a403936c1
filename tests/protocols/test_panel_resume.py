"""A panel's debates resume to the same transcripts wherever they were cut, whoever of its members is slower then."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from longthought.agents.models.contract import Message, Reply, Sampling, ToolMessage, Usage
from longthought.agents.models.scripted import ScriptedModel
from longthought.agents.problems import Problem
from longthought.agents.prompts import Prompts
from longthought.agents.rewards.judge import JudgeOptions, JudgeReward
from longthought.agents.seats.context import Context
from longthought.agents.seats.critic import CriticAgent
from longthought.agents.seats.panel import Panel, Rule
from longthought.agents.seats.policy import PolicyAgent
from longthought.protocols.budget import Budget
from longthought.protocols.debate import Debate
from longthought.protocols.journal import Journal
from longthought.protocols.runner import assignments, run_debates
from longthought.protocols.transcript_files import read_transcripts
from tests.protocols.scripted_debates import LastWord

LINES = ("continue", "continue", "backtrack 0: no", "reflect: check", "nonsense", "terminate solved: 4")
VOTES = ("correct: a", "incorrect: b", "neutral: c", "hm")


class Dice(ScriptedModel):
    """Says one of its lines by the request's seed alone, after a while that is another each time."""

    def __init__(self, name: str, lines: Sequence[str], hurry: Random) -> None:
        super().__init__(lambda _m, _s: "", name)
        self._lines, self._hurry = lines, hurry
        self.asked = 0

    async def sample(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int = 1
    ) -> list[Reply]:
        self.asked += 1
        await asyncio.sleep(self._hurry.random() * 0.002)
        dice = Random(sampling.seed)
        return [Reply(dice.choice(self._lines), usage=Usage(3, 2)) for _ in range(n)]


async def _play(directory: Path, rule: Rule, hurry: int) -> tuple[list[str], int]:
    """Transcripts, and how often models were asked."""
    random, context = Random(hurry), Context(Prompts(), show_readings=True)
    steps = [f"step {i}" for i in range(9)] + ["answer: 4"]
    models = [Dice("p", steps, random), Dice("c", LINES, random), Dice("j", VOTES, random)]
    # Two members are one and the same critic: alike in all that they ask.
    critic = CriticAgent(models[1], context, Sampling(temperature=1.0))
    warm = CriticAgent(models[1], context, Sampling(temperature=2.0))
    judges = [JudgeReward(models[2], JudgeOptions(votes=3), name=name) for name in ("one", "other")]
    rules = Debate(
        PolicyAgent(models[0], context),
        Panel({"a": critic, "b": critic, "c": warm}, rule),
        LastWord(),
        Budget(turns=6),
        judges,
    )
    journal = Journal(directory)
    problems = [Problem(id=f"p{i}", question=f"2+2? ({i})", gold="4") for i in range(6)]
    await run_debates(assignments(problems, 1, 0), replace(rules, asks=2), journal, max_debates=3)
    journal.close()
    transcripts = [t.model_dump_json(exclude={"run"}) for t in read_transcripts(directory)]
    return transcripts, sum(model.asked for model in models)


@pytest.mark.parametrize("rule", ["vote", "first-to-object"])
async def test_a_cut_run_of_a_panel_resumes_to_the_same(rule: Rule, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    told, asked = await _play(whole, rule, hurry=0)
    assert any('"panel/b"' in each for each in told)
    (file,) = whole.glob("journal-*.jsonl")
    lines = file.read_bytes().splitlines(keepends=True)
    points = Random(1)
    for cut, hurry in zip(sorted(points.sample(range(len(lines)), 6)), itertools.count(1), strict=False):
        again = tmp_path / f"cut-{cut}"
        again.mkdir()
        (again / file.name).write_bytes(b"".join(lines[:cut]))
        resumed, rest = await _play(again, rule, hurry)
        assert resumed == told
        made = sum(b'"kind":"sampled"' in line for line in lines[:cut])
        assert rest == asked - made
    assert await _play(whole, rule, hurry=99) == (told, 0)
