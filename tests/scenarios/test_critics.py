"""Panels, sampling critics, judges and ensembles as a scenario names them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from longthought.agents.errors import UsageError
from longthought.agents.models.contract import Message, Sampling, ToolMessage
from longthought.agents.models.random_model import write_random_model
from longthought.agents.models.scripted import ScriptedModel
from longthought.protocols.tape import Tape
from longthought.protocols.transcript_files import read_transcripts
from longthought.protocols.tree import Tree
from longthought.scenarios.bounds import bounds_of
from longthought.scenarios.build import build
from longthought.scenarios.load import load_scenario
from longthought.scenarios.passports import critic_subject
from longthought.scenarios.problem_source import problems_of
from longthought.scenarios.run import run_scenario
from tests.scenarios.command_line import Call
from tests.scenarios.scripted_scenarios import load, options

PANEL = "seats.critic={agent: panel, options: {members: [%s]}}"
_ORACLE = "{agent: countdown-oracle%s}"
ORACLES = PANEL % ", ".join(_ORACLE % more for more in (", options: {miss: 0.5}", ", name: sure", ""))
QUIET = Console(quiet=True)


class Judging(ScriptedModel):
    """A judge that doubts whatever goes nowhere."""

    def __init__(self) -> None:
        super().__init__(_judged, "judging")


def _judged(messages: Sequence[Message | ToolMessage], sampling: Sampling) -> str:
    last = messages[-1]
    assert isinstance(last, Message)
    _, _, step = last.content.rpartition("to check")
    return "incorrect: it does" if "nowhere" in step else "correct: fine"


async def test_a_panel_with_a_judge_plays(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        PANEL
        % "{model: adder}, {model: adder}, {agent: sampling-critic, model: adder, options: {n: 2, reward: both}}",
        "models.other={engine: 'tests.scenarios.test_critics:Judging'}",
        "rewards.strict={mode: 'off', kind: judge, model: other}",
        "rewards.both={mode: 'off', kind: ensemble, options: {members: [strict], combine: min}}",
    )
    result = await run_scenario(loaded, options(tmp_path), QUIET)
    transcripts = list(read_transcripts(result.run_dir))
    assert [t.outcome.kind for t in transcripts] == ["solved"] * 8
    names = [reading.reward for reading in transcripts[0].judgements[0].readings]
    assert names == ["panel/adder", "panel/adder-2", "both", "panel/sampling-critic"]
    scores = [j.readings[2].score for j in transcripts[0].judgements]
    assert scores == [1.0, 0.0, 1.0, 1.0]
    # Nobody knew the answer, and its prompts are part of the run.
    assert not any(t.informed for t in transcripts)
    prompts = json.loads((result.run_dir / "manifest.json").read_text())["prompts"]
    assert {"rewards.strict.judge", "seats.critic.options.members.2.sampling_cue"} <= set(prompts)


async def test_two_models_may_share_a_thread(tmp_path: Path) -> None:
    """Each says its own lines, and is shown what the other said as if both were one."""
    scripts = {"a": ["go nowhere", "Answer: 1"], "b": ["backtrack 0: that leads nowhere", "terminate solved"]}
    engine = "longthought.agents.models.scripted:ScriptedModel"
    models = {name: {"engine": engine, "options": {"script": s, "name": name}} for name, s in scripts.items()}
    seats = {"policy": {"model": "a"}, "critic": {"model": "b"}}
    loaded = load(tmp_path, models=models, seats=seats, context="shared")
    problem, *_ = problems_of(loaded)
    built = build(loaded, [problem], allow_import=True)
    outcome = await built.protocol.play(Tree(problem, Tape(None, 0, seed=0)))
    assert outcome.kind == "solved"
    policy, critic = built.engines.built["a"], built.engines.built["b"]
    assert isinstance(policy, ScriptedModel)
    assert isinstance(critic, ScriptedModel)
    turns = [request[0] for pair in zip(policy.requests, critic.requests, strict=True) for request in pair]
    lines = [line for pair in zip(*scripts.values(), strict=True) for line in pair]
    for turn, messages in enumerate(turns):
        thread = [m for m in messages if isinstance(m, Message)]
        assert [m.content for m in thread if m.role == "assistant"] == lines[:turn]
        # The thread only grows, so one server's cache serves both.
        assert list(messages) == list(turns[-1])[: len(messages)]


def test_a_reward_that_knows_the_answer_informs_its_critic(tmp_path: Path) -> None:
    asks = "seats.critic={agent: sampling-critic, model: adder, options: {reward: %s}}"
    off = "rewards={answer: 'off', many: {mode: 'off', kind: ensemble, options: {members: [answer]}}}"
    for reward in ("answer", "many"):
        loaded = load(tmp_path, asks % reward, off)
        built = build(loaded, problems_of(loaded, None), allow_import=True)
        assert built.parts.informed
        assert set(built.rewards) == {"answer"} | {reward}


def test_the_bounds_count_every_member(tmp_path: Path) -> None:
    one = bounds_of(load(tmp_path).scenario, 1)
    two = bounds_of(load(tmp_path, PANEL % "{model: adder}, {model: adder}").scenario, 1)
    assert one.requests is not None
    assert two.requests is not None
    assert two.requests - one.requests == 8 * 3
    assert two.tokens is not None


def test_a_panels_identity_has_its_members_weights(tmp_path: Path) -> None:
    weights = write_random_model(tmp_path / "weights")

    def critic(*sets: str) -> str:
        members = PANEL % "{model: embedded}, {model: second}"
        second = f"models.second={{engine: transformers, model: '{weights}'}}"
        loaded = load_scenario("countdown", [members, "context=per_seat", second, *sets])
        return critic_subject(loaded, build(loaded, [])).hash

    before = critic()
    assert before == critic("models.second.max_batch=2")
    assert before != critic("seats.critic.options.rule=first-to-object")
    (weights / "config.json").write_text((weights / "config.json").read_text() + " ")
    assert before != critic()


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        ((PANEL % "{model: adder}",), r"seats\.critic: options: a panel has two members or more, not 1"),
        (
            (PANEL % "{model: adder}, {model: adder, temperatur: 1}",),
            r"options: members\.1\.temperatur: unknown key \(did you mean 'temperature'\?\)",
        ),
        ((PANEL % "{model: adder}, {temperature: 1}",), "members.1: needs a key 'model'"),
        ((PANEL % "{model: adder}, {model: addr}",), r"options\.members\.1\.model: no model 'addr'"),
        (
            (PANEL % "{model: adder}, {agent: nobody}",),
            r"members\.1\.agent: nothing is named 'nobody'.*panel",
        ),
        ((PANEL % "{model: adder}, {agent: panel, options: {members: []}}",), "not 0"),
        ((PANEL % "{model: adder, name: a}, {model: adder, name: a}",), "two members are called 'a'"),
        ((PANEL % "{model: adder}, {model: adder, passport: p.json}",), "passport is of the whole panel"),
        (("seats.critic={agent: panel, model: adder}",), "no 'model' of its own"),
        (("seats.critic={agent: panel}",), "members: is missing"),
        (
            ("seats.policy={agent: panel, options: {members: [{model: adder}, {model: adder}]}}",),
            "judges; move it",
        ),
        (("seats.critic={agent: sampling-critic, options: {reward: answer}}",), "name one under 'model'"),
        (
            (
                "seats.critic={agent: sampling-critic, model: adder, options: {reward: anser}}",
                "rewards={answer: 'off'}",
            ),
            r"seats\.critic\.options\.reward: no reward 'anser' under rewards \(did you mean 'answer'\?\)",
        ),
        (("rewards.j={mode: inject, kind: judge}",), "rewards.j.model: a judge asks a model"),
        (
            ("rewards.j={mode: inject, kind: judge, model: adder, options: {vote: 3}}",),
            r"rewards\.j: options: vote: unknown key \(did you mean 'votes'\?\)",
        ),
        (
            ("rewards.e={mode: inject, kind: ensemble, options: {members: [x]}}",),
            r"rewards\.e\.options\.members: no reward 'x' under rewards",
        ),
        (
            (
                "rewards.a={mode: inject, kind: ensemble, options: {members: [b]}}",
                "rewards.b={mode: 'off', kind: ensemble, options: {members: [a]}}",
            ),
            r"rewards\.b\.options\.members: a → b → a is a circle",
        ),
        (
            (
                "rewards={answer: 'off', e: {mode: inject, kind: ensemble, options: {members: [answer], quorum: 2}}}",
            ),
            r"rewards\.e.*quorum of 2",
        ),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, sets: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        build(load(tmp_path, *sets), [], allow_import=True)
    assert "\n" not in str(raised.value)


@pytest.fixture
def say(call: Call) -> Callable[..., tuple[int, str]]:
    """Runs the command line; exit code and everything it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        code, out, err = call(*arguments)
        return code, out + err

    return run


def test_the_report_of_a_panel(say: Callable[..., tuple[int, str]]) -> None:
    small = ("--set", "dataset.size=12", "--set", "epochs=1")
    code, said = say("run", "countdown-teacher", *small, "--set", ORACLES)
    assert code == 0, said
    code, said = say("report", "countdown-teacher", "--disagreements", "disputed.jsonl")
    assert code == 0, said
    assert "panel of 3: dissent on" in said
    assert "sure, countdown-oracle-2" in said
    assert "all (Fleiss)" in said
    rows = [json.loads(line) for line in Path("disputed.jsonl").read_text().splitlines()]
    assert f"{len(rows)} disputed thoughts" in said
    assert rows
    assert all(row["said"]["countdown-oracle"]["decision"] == "continue" for row in rows)
    assert [row["dissent"] for row in rows] == sorted((row["dissent"] for row in rows), reverse=True)
    # Two that never err agree, and outvote the third.
    assert all(row["decided"]["kind"] == row["said"]["sure"]["decision"] for row in rows)
    assert say("run", "countdown-teacher", *small, "--run-dir", "alone")[0] == 0
    code, said = say("report", "alone", "--disagreements", "none.jsonl")
    assert (code, "was no panel" in said) == (2, True)
    assert not Path("none.jsonl").exists()
