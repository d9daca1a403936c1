"""A user's own roles: from an installed package by entry point, and from a module that the scenario names."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from rich.console import Console

from longthought.agents.errors import UsageError
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.plugins import GROUPS, installed
from longthought.scenarios.run import RunOptions, run_scenario
from tests.scenarios.scripted_scenarios import load, options

PACKAGE = """
from autogen_agentchat.agents import AssistantAgent
from autogen_ext.models.replay import ReplayChatCompletionClient
from longthought.agents.decisions import Continue, Terminate
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward, Scorer
from longthought.agents.seats.contract import Verdict
from longthought.protocols.outcomes import Outcome

class Strict:
    def __init__(self, depth=1):
        self.depth = depth
    async def judge(self, path):
        done = path.answer is not None or path.depth >= self.depth
        reason = "give_up" if path.answer is None else "solved"
        return Verdict(Terminate(reason=reason) if done else Continue())

def replayed():
    return AssistantAgent("critic", ReplayChatCompletionClient(["terminate give_up: I replay"] * 9))

def driven(model):
    return AssistantAgent("critic", model, system_message=None)

def failing():
    return {}["key"]

class Length(Reward):
    name = "length"
    def __init__(self, full=100):
        self.full = full
    async def read(self, path):
        return Reading(reward=self.name, value=min(1.0, len(path.thoughts[-1].text) / self.full))

class Never(Scorer):
    name = "never"
    uses_gold = False
    def extract(self, text):
        return text.partition("Answer: ")[2] or None
    async def score(self, answer, problem):
        return Reading(reward=self.name, value=0.0)

def counting(upto):
    for i in range(upto):
        yield Problem(id=f"c{i}", question=f"What is {i}+{i}?", gold=str(2 * i), scorer="exact")

class Once:
    def __init__(self, parts):
        self.parts = parts
    async def play(self, tree):
        return tree.close(Outcome(kind="gave_up", why=f"n is {self.parts.scenario.n}"))
"""
ENTRIES = """
[longthought.agents]
strict = own_roles:Strict
replayed = own_roles:replayed
driven = own_roles:driven
broken = own_roles:Nothing
useless = own_roles:Length
failing = own_roles:failing
[longthought.rewards]
length = own_roles:Length
[longthought.scorers]
never = own_roles:Never
[longthought.datasets]
counting = own_roles:counting
[longthought.protocols]
once = own_roles:Once
"""
QUIET = Console(quiet=True)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package as pip leaves it: a module, and its metadata beside it."""
    site = tmp_path / "site"
    info = site / "own_roles-1.2.dist-info"
    info.mkdir(parents=True)
    (site / "own_roles.py").write_text(PACKAGE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-roles\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    monkeypatch.delitem(sys.modules, "own_roles", raising=False)
    importlib.invalidate_caches()


async def play(directory: Path, *sets: str) -> list[Transcript]:
    how = options(directory, limit=1) if any(":" in each for each in sets) else None
    # A plug-in that is installed needs no --allow-import, a model of the tests' own does.
    how = how or RunOptions(run_dir=directory / "run", limit=1, allow_import=True)
    result = await run_scenario(load(directory, *sets), how, QUIET)
    return list(read_transcripts(result.run_dir))


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("override", "outcome", "why"),
    [
        ("seats.critic={agent: strict, options: {depth: 2}}", "gave_up", ""),
        ("seats.critic={agent: replayed}", "gave_up", "I replay"),
        ("seats.critic={agent: driven, model: adder}", "solved", ""),
        ("seats.critic={agent: 'own_roles:Strict'}", "gave_up", ""),
        ("dataset.scorer=never", "wrong", ""),
        ("dataset={kind: plugin, name: counting, options: {upto: 2}}", "solved", ""),
        ("rewards={length: {mode: inject, options: {full: 34}}}", "solved", ""),
        ("protocol=once", "gave_up", "n is 1"),
    ],
)
async def test_a_package_that_is_installed_plugs_in(
    tmp_path: Path, override: str, outcome: str, why: str
) -> None:
    for transcript in await play(tmp_path, override):
        assert transcript.outcome.kind == outcome
        assert transcript.outcome.why == why
        if "rewards" in override:
            (first,) = transcript.judgements[0].readings
            assert (first.reward, first.value) == ("length", len("take the first") / 34)


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            "seats.critic={agent: strct}",
            r"seats.critic.agent: nothing is named 'strct' \(did you mean 'strict'",
        ),
        (
            "seats.critic={agent: strict, options: {deep: 2}}",
            "seats.critic.options: strict does not take them: .*deep",
        ),
        ("seats.critic={agent: broken}", "seats.critic.agent: 'broken' cannot be imported: AttributeError"),
        (
            "seats.critic={agent: useless}",
            "made a Length, which has no method 'judge' and is no AutoGen ChatAgent",
        ),
        ("seats.policy={agent: strict}", "has no method 'propose'"),
        ("seats.critic={agent: failing}", "seats.critic: failing failed: KeyError: 'key'"),
        ("dataset={kind: plugin, name: counted}", "dataset.name: nothing is named 'counted'"),
    ],
)
async def test_a_plug_in_that_does_not_fit_is_one_line(tmp_path: Path, override: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        await play(tmp_path, override)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("package")
def test_installed_plug_ins_are_listed_with_their_package() -> None:
    points = installed("agents")
    assert {"strict", "countdown-searcher", "countdown-oracle"} <= points.keys()
    dist = points["strict"].dist
    assert dist is not None
    assert (dist.name, dist.version) == ("own-roles", "1.2")
    assert all(isinstance(installed(group), dict) for group in GROUPS)
