"""From a reward's spec to the reward: the one place that knows every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longthought.agents.errors import UsageError
from longthought.agents.models.contract import Model
from longthought.agents.rewards.contract import Reward, Scorer
from longthought.agents.seats.contract import Policy
from longthought.scenarios.complaints import read_options
from longthought.scenarios.credentials import key_for
from longthought.scenarios.plugins import find_plugin
from longthought.scenarios.reward_spec import RewardSpec


@dataclass(frozen=True, slots=True)
class Wants:
    """What a kind may be made with, beside its options."""

    scorer: Scorer | None = None
    model: Model | None = None
    #: Who that model is: its weights, where they are at hand.
    who: Callable[[], dict[str, Any]] | None = None
    policy: Policy | None = None
    #: Who that is: agent or model, its sampling and what it is shown.
    policy_who: Callable[[], dict[str, Any]] | None = None
    #: Another reward of the scenario, by name.
    reward: Callable[[str], Reward] | None = None
    #: Where relative paths in its options begin.
    base_dir: Path | None = None

    def place(self, name: str | None) -> str | None:
        """A directory below ``base_dir`` if ``name`` is one, else the name as it is."""
        place = None if name is None or self.base_dir is None else self.base_dir / Path(name).expanduser()
        return str(place) if place is not None and place.is_dir() else name


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


def _prm(
    wants: Wants,
    *,
    model: str | None = None,
    tokenizer: str | None = None,
    api_key_env: str | None = None,
    **options: Any,
) -> Reward:
    from longthought.agents.rewards.prm.process_reward import ProcessRewardModel

    if api_key_env:
        if "base_url" not in options:
            raise UsageError("options.api_key_env: is for a server; give its base_url")
        options["api_key"] = key_for(api_key_env, str(options["base_url"]), "options.api_key_env")
    return ProcessRewardModel(wants.place(model), tokenizer=wants.place(tokenizer), **options)


def _step_scorer(wants: Wants, **options: Any) -> Reward:
    """The embedded PRM, which is small enough for a CPU."""
    reward = _prm(wants, **{"device": "cpu", **options})
    reward.name = "step-scorer"
    return reward


def _rollouts(wants: Wants, **options: Any) -> Reward:
    from longthought.agents.rewards.rollouts import RolloutReward

    if wants.policy is None or wants.scorer is None:
        raise UsageError("it completes solutions by a scenario's policy; name the scenario")
    return RolloutReward(wants.policy, wants.scorer, who=wants.policy_who, **options)


def _judge(wants: Wants, **options: Any) -> Reward:
    from longthought.agents.rewards.judge import JudgeOptions, JudgeReward

    if wants.model is None:
        raise UsageError("a judge asks a model of a scenario")
    read = read_options(JudgeOptions, options)
    return JudgeReward(wants.model, read, who=wants.who, base_dir=wants.base_dir)


def _ensemble(wants: Wants, **options: Any) -> Reward:
    from longthought.agents.rewards.ensemble import Ensemble, EnsembleOptions

    if wants.reward is None:
        raise UsageError("it is made of rewards of a scenario; measure it there, with --reward")
    read = read_options(EnsembleOptions, options)
    return Ensemble([wants.reward(name) for name in read.members], read.combine, read.quorum)


#: Built-in kinds. Each is called with what it may want and the spec's options.
KINDS: dict[str, Callable[..., Reward]] = {
    "answer": _answer,
    "arithmetic": _arithmetic,
    "countdown-oracle": _countdown_oracle,
    "countdown-step": _countdown_step,
    "ensemble": _ensemble,
    "judge": _judge,
    "prm": _prm,
    "rollouts": _rollouts,
    "step-scorer": _step_scorer,
}

#: Kinds that ask a model of the scenario.
ASKS_A_MODEL: frozenset[str] = frozenset({"judge"})


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
        # An ensemble's member may be at fault, and names itself.
        named = said.startswith((key, "rewards."))
        raise UsageError(said if named else f"{key}: {said}") from error
    except (TypeError, ValueError) as error:  # pydantic's is a ValueError
        said = " ".join(str(error).split())
        raise UsageError(f"{key}.options: {kind} does not take them: {said}") from error
    if not isinstance(made, Reward):
        raise UsageError(f"{key}: it made a {type(made).__name__}, which is no Reward")
    if spec.kind is not None:
        made.name = name
    made.patience = spec.patience
    if "timeout" in spec.model_fields_set:
        made.timeout = spec.timeout
    return made
