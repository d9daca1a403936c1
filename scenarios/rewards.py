"""From a reward's spec to the reward: the one place that knows every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longthought.agents.errors import UsageError
from longthought.agents.models.contract import Model
from longthought.agents.rewards.contract import Reward, Scorer
from longthought.scenarios.plugins import find_plugin
from longthought.scenarios.reward_spec import RewardSpec


@dataclass(frozen=True, slots=True)
class Wants:
    """What a kind may be made with, beside its options."""

    scorer: Scorer | None = None
    model: Model | None = None
    #: Where relative paths in its options begin.
    base_dir: Path | None = None


def _answer(wants: Wants) -> Reward:
    from longthought.agents.rewards.answer_reward import AnswerReward

    if wants.scorer is None:
        raise UsageError("it scores answers, and reads no steps")
    return AnswerReward(wants.scorer)


def _arithmetic(wants: Wants) -> Reward:
    from longthought.agents.rewards.arithmetic_step import ArithmeticRule

    return ArithmeticRule()


def _countdown_step(wants: Wants) -> Reward:
    from longthought.agents.rewards.countdown_step import CountdownStepRule

    return CountdownStepRule()


def _countdown_oracle(wants: Wants) -> Reward:
    from longthought.agents.rewards.countdown_step import CountdownStepRule

    return CountdownStepRule(look_ahead=True)


def _step_scorer(wants: Wants, **options: Any) -> Reward:
    from longthought.agents.rewards.step_scorer import StepScorer

    return StepScorer(**options)


#: Built-in kinds. Each is called with what it may want and the spec's options.
KINDS: dict[str, Callable[..., Reward]] = {
    "answer": _answer,
    "arithmetic": _arithmetic,
    "countdown-oracle": _countdown_oracle,
    "countdown-step": _countdown_step,
    "step-scorer": _step_scorer,
}

#: Kinds that ask a model of the scenario.
ASKS_A_MODEL: frozenset[str] = frozenset()


def make_reward(
    name: str,
    key: str,
    spec: RewardSpec,
    wants: Wants,
    *,
    allow_import: bool = False,
) -> Reward:
    """The reward that the scenario calls ``name``.

    Args:
        key: what error lines call it.

    Raises:
        UsageError: there is no such kind, or it cannot be built.
    """
    kind = spec.kind or name
    if kind in ASKS_A_MODEL and wants.model is None:
        raise UsageError(f"{key}.model: a {kind} asks a model; name one under models")
    if kind not in ASKS_A_MODEL and spec.model is not None:
        raise UsageError(f"{key}.model: a {kind} asks none")
    try:
        if kind in KINDS:
            made: object = KINDS[kind](wants, **spec.options)
        else:
            factory = find_plugin(
                "rewards", kind, key, allow_import=allow_import, base_dir=wants.base_dir, known=KINDS
            )
            made = factory(**spec.options)
    except UsageError as error:
        said = str(error)
        raise UsageError(said if said.startswith(key) else f"{key}: {said}") from error
    except (TypeError, ValueError) as error:  # pydantic's is a ValueError
        said = " ".join(str(error).split())
        raise UsageError(f"{key}.options: {kind} does not take them: {said}") from error
    if not isinstance(made, Reward):
        raise UsageError(f"{key}: it made a {type(made).__name__}, which is no Reward")
    if spec.kind is not None:
        made.name = name
    made.timeout, made.patience = spec.timeout, spec.patience
    return made
