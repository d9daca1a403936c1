"""Runs a meta-evaluation: a reward or a scenario's critic over a file of labelled solutions, to a directory."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from rich.console import Console

from longthought.agents.errors import UsageError
from longthought.agents.rewards.contract import Reward
from longthought.agents.seats.contract import Critic
from longthought.scenarios.asking import ask_in
from longthought.scenarios.build import build, build_reward
from longthought.scenarios.load import load_scenario, settings
from longthought.scenarios.passports import critic_subject
from longthought.scenarios.plugins import installed
from longthought.scenarios.replace_file import replace_file
from longthought.scenarios.reward_spec import RewardSpec
from longthought.scenarios.rewards import KINDS, Wants, make_reward
from longthought.synth.labelled.read import read_labelled
from longthought.train.judging.passport import Passport, Subject, make_passport
from longthought.train.judging.plot import draw
from longthought.train.judging.said import steps_of

PASSPORT = "passport.json"
PLOT = "passport.svg"


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """How a meta-evaluation is made; see ``longthought judge --help``."""

    data: Path
    out: Path
    sets: tuple[str, ...] = ()
    #: A reward of the scenario, to be measured in place of its critic.
    reward: str | None = None
    #: Of the reward.
    options: tuple[str, ...] = ()
    limit: int | None = None
    threshold: float = 0.5
    neutral: Literal["right", "wrong"] = "right"
    max_at_once: int = 64
    seed: int = 0
    allow_import: bool = False


async def judge(name: str, options: MeasureOptions, console: Console | None = None) -> Passport:
    """Measure the reward of that name, or the critic of the scenario of that name; resumes what is in ``out``.

    Raises:
        UsageError: no such reward, scenario or data, or ``out`` holds another meta-evaluation.
        RunError, ModelError: it cannot go on; the same command resumes it.
    """
    solutions = list(read_labelled(options.data))[: options.limit]
    async with AsyncExitStack() as stack:
        subject, asked, injected = _subject(name, options, stack)
        said, progress = await ask_in(
            options.out,
            f"{subject.hash} {sha256(options.data.read_bytes()).hexdigest()}",
            "a meta-evaluation",
            asked,
            solutions,
            injected=injected,
            max_at_once=options.max_at_once,
            console=console,
        )
    steps = steps_of(said, threshold=options.threshold, neutral=options.neutral)
    passport = make_passport(
        subject,
        steps,
        options.data,
        progress,
        threshold=options.threshold,
        neutral=options.neutral,
        seed=options.seed,
    )
    replace_file(options.out / PASSPORT, passport.model_dump_json(indent=2) + "\n")
    draw(passport, options.out / PLOT)
    return passport


#: Who is measured, what is asked, and the rewards whose readings it is shown.
_Asked = tuple[Subject, Reward | Critic, Sequence[Reward]]


def _subject(name: str, options: MeasureOptions, stack: AsyncExitStack) -> _Asked:
    # Only rewards are named as module:object; the critic's own code is named in its scenario.
    if ":" in name or name in KINDS or name in installed("rewards"):
        spec = RewardSpec(mode="off", options=settings(options.options, "--option", "k=16"))
        reward = make_reward(name, name, spec, Wants(), allow_import=options.allow_import)
        stack.push_async_callback(reward.close)
        return Subject(kind="reward", name=name, identity=reward.identity()), reward, ()
    loaded = load_scenario(name, options.sets)
    if options.reward is not None:
        one = build_reward(
            loaded,
            options.reward,
            settings(options.options, "--option", "k=16"),
            allow_import=options.allow_import,
        )
        stack.push_async_callback(one.close)
        return Subject(kind="reward", name=options.reward, identity=one.reward.identity()), one.reward, ()
    if "critic" not in loaded.scenario.sitting:
        raise UsageError(f"{name}: its protocol {loaded.scenario.protocol} has no critic to judge")
    built = build(loaded, [], allow_import=options.allow_import)
    stack.push_async_callback(built.close)
    return critic_subject(loaded, built), built.parts.critic, built.parts.injected
