"""Hands a scenario's problems and their scorer to `train grpo`, which knows of neither."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from longthought.agents.errors import RewardError, UsageError
from longthought.agents.problems import Problem
from longthought.agents.rewards.contract import Scorer
from longthought.scenarios.build import build
from longthought.scenarios.dataset_gym import ReasoningGymSpec
from longthought.scenarios.load import Loaded, load_scenario
from longthought.scenarios.problem_source import problems_of
from longthought.synth.imports.thought_in_text import parted
from longthought.train.settings import GrpoSettings


def reinforce(settings: GrpoSettings, *, allow_import: bool = False, allow_code: bool = False) -> Path:
    """Train on the problems of ``settings.problems``; returns the directory of the model.

    Raises:
        UsageError: no such scenario, problems that nobody can score, or a model that cannot be trained.
    """
    from longthought.train.grpo import run_grpo

    asked = settings.problems
    loaded = load_scenario(asked.scenario, asked.set)
    _check_split(loaded)
    problems = problems_of(loaded, asked.limit, allow_import=allow_import)
    built = build(loaded, problems, allow_import=allow_import, allow_code=allow_code)
    scorer = built.parts.scorer
    try:
        _check_scored(loaded, scorer, problems)

        async def score(problem: Problem, text: str) -> float | None:
            return await score_solution(scorer, problem, text)

        return run_grpo(settings, problems, score)
    finally:
        asyncio.run(built.close())


async def score_solution(scorer: Scorer, problem: Problem, text: str) -> float | None:
    """1 for a right answer behind the thought, 0 for a wrong one or none; None where the scorer cannot tell."""
    _, response = parted(text)
    answer = scorer.extract(response)
    if answer is None:
        return 0.0
    try:
        reading = await scorer.score(answer, problem)
    except RewardError:
        return None
    return None if reading.value is None else float(reading.value >= 1.0)


def _check_split(loaded: Loaded) -> None:
    spec = loaded.scenario.dataset
    if isinstance(spec, ReasoningGymSpec) and spec.split == "eval":
        raise UsageError(
            f"{loaded.source}: dataset.split is eval, the problems that models are measured on; train on others "
            "with problems.set: [dataset.split=train]"
        )


def _check_scored(loaded: Loaded, scorer: Scorer, problems: Sequence[Problem]) -> None:
    if scorer.name == "none":
        raise UsageError(
            f"{loaded.source}: dataset: no scorer says which answers to its problems are right; give it one with "
            "dataset.scorer"
        )
    if scorer.uses_gold and (
        bare := next((each for each in problems if not (each.gold or each.metadata)), None)
    ):
        raise UsageError(
            f"{loaded.source}: dataset: problem {bare.id} has no gold answer, which the scorer {scorer.name} needs"
        )
