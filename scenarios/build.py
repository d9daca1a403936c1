"""From a scenario and its problems to a protocol ready to play, or to one of its rewards by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.prompts import PARTS, Prompts
from longthought.agents.rewards.contract import Reward, Scorer
from longthought.agents.seats.context import Context
from longthought.agents.seats.contract import Critic, Policy
from longthought.agents.seats.solver import PARTS as ASKED
from longthought.protocols.best_of_n import BestOfN
from longthought.protocols.budget import Budget, Price
from longthought.protocols.debate import Debate
from longthought.protocols.long_thought import LongThought
from longthought.protocols.runner import Plays
from longthought.protocols.transcript import LONG_THOUGHT
from longthought.scenarios.datasets import scorer_name
from longthought.scenarios.engines import Engines
from longthought.scenarios.load import Loaded
from longthought.scenarios.plugins import find_plugin
from longthought.scenarios.prices import prices_of
from longthought.scenarios.reward_shelf import RewardShelf
from longthought.scenarios.rewards import Wants
from longthought.scenarios.schema import BUILT_IN, Scenario
from longthought.scenarios.seats import Seats
from longthought.synth.imports.thought_in_text import parted


@dataclass(frozen=True)
class Parts:
    """What a protocol is made of; what a plug-in protocol is called with."""

    scenario: Scenario
    policy: Policy
    critic: Critic
    scorer: Scorer
    budget: Budget
    injected: Sequence[Reward] = ()
    tools: Sequence[Reward] = ()
    #: Rewards that a critic asks of its own accord.
    consulted: Sequence[Reward] = ()
    prices: dict[str, Price] = field(default_factory=dict[str, Price])

    @property
    def informed(self) -> bool:
        """A reward that looks at the gold answer speaks to the critic."""
        return any(reward.uses_gold for reward in (*self.injected, *self.tools, *self.consulted))


@dataclass(frozen=True, kw_only=True)
class _Held:
    """What has to be closed when the work is over."""

    engines: Engines
    #: All rewards that are used, those too that only an ensemble or a critic asks.
    rewards: Mapping[str, Reward]
    scorer: Scorer

    async def close(self) -> None:
        await self.engines.close()
        for reward in self.rewards.values():
            await reward.close()
        await self.scorer.close()


@dataclass(frozen=True, kw_only=True)
class Built(_Held):
    """Everything one run needs. Close it when the run is over."""

    protocol: Plays
    parts: Parts
    #: The texts of all prompts, by part.
    prompts: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class BuiltReward(_Held):
    """One reward of a scenario by itself. Close it when the work is over."""

    reward: Reward


def build(
    loaded: Loaded,
    problems: Sequence[Problem],
    *,
    allow_import: bool = False,
    allow_code: bool = False,
    attempt_timeout: float | None = None,
) -> Built:
    """Build what the scenario names. Nothing is asked and no weights are loaded yet.

    Raises:
        UsageError: a part cannot be had; the line names its key.
    """
    scenario = loaded.scenario
    engines = _engines(loaded, allow_import, attempt_timeout)
    scorer = _scorer(loaded, problems, engines, allow_import, allow_code)
    context = context_of(loaded)
    seats = Seats(loaded, engines, context, allow_import)
    policy = seats.policy()
    shelf = _shelf(loaded, engines, scorer, seats, policy, allow_import)
    on = {name: shelf.get(name) for name in scenario.rewards_on}
    tools = [on[name] for name, spec in scenario.rewards.items() if spec.mode == "tool"]
    parts = Parts(
        scenario=scenario,
        policy=policy,
        critic=seats.critic(tools, shelf.get),
        scorer=scorer,
        budget=scenario.budget,
        injected=[on[name] for name, spec in scenario.rewards.items() if spec.mode == "inject"],
        tools=tools,
        consulted=seats.consulted,
        prices=prices_of(scenario),
    )
    return Built(
        engines=engines,
        rewards=shelf.built,
        scorer=scorer,
        protocol=_protocol(loaded, parts, allow_import),
        parts=parts,
        prompts={
            **context.prompts.texts,
            **seats.prompts,
            **shelf.prompts,
            **{f"scorer.{part}": text for part, text in scorer.prompts.items()},
        },
    )


def build_reward(
    loaded: Loaded, name: str, options: Mapping[str, Any], *, allow_import: bool = False
) -> BuiltReward:
    """The reward that the scenario calls so, be it off, or the built-in kind of that name, with more ``options``.

    Raises:
        UsageError: there is none, or it cannot be built.
    """
    engines = _engines(loaded, allow_import)
    scorer = _scorer(loaded, (), engines, allow_import)
    seats = Seats(loaded, engines, context_of(loaded), allow_import)
    shelf = _shelf(loaded, engines, scorer, seats, seats.policy(), allow_import)
    reward = shelf.get(name, loaded.source, options)
    return BuiltReward(engines=engines, rewards=shelf.built, scorer=scorer, reward=reward)


def context_of(loaded: Loaded) -> Context:
    """How the scenario's seats are shown their paths."""
    scenario = loaded.scenario
    return Context(
        Prompts(scenario.prompts, loaded.base_dir, ASKED if scenario.protocol == LONG_THOUGHT else PARTS),
        scenario.context,
        scenario.memory,
        show_readings=any(spec.mode == "inject" for spec in scenario.rewards.values()),
    )


def _engines(loaded: Loaded, allow_import: bool, attempt_timeout: float | None = None) -> Engines:
    return Engines(
        loaded.scenario.models, loaded.base_dir, allow_import=allow_import, attempt_timeout=attempt_timeout
    )


def _shelf(
    loaded: Loaded, engines: Engines, scorer: Scorer, seats: Seats, policy: Policy, allow_import: bool
) -> RewardShelf:
    wants = Wants(scorer=scorer, policy=policy, policy_who=seats.policy_identity, base_dir=loaded.base_dir)
    return RewardShelf(loaded.scenario.rewards, engines, wants, allow_import)


def _scorer(
    loaded: Loaded,
    problems: Sequence[Problem],
    engines: Engines,
    allow_import: bool,
    allow_code: bool = False,
) -> Scorer:
    """The one that the problems name; without any, the one that the dataset's problems will."""
    from longthought.agents.rewards.ill_posed import ill_posed_of
    from longthought.agents.rewards.ill_posed_judge import IllPosedJudge
    from longthought.agents.rewards.ill_posed_scorer import IllPosedScorer
    from longthought.agents.rewards.scorers import SCORER_NAMES, UNIT_TESTS, scorer_named

    names = sorted({problem.scorer for problem in problems}) or [scorer_name(loaded.scenario.dataset)]
    if len(names) > 1:
        raise UsageError(
            f"dataset: its problems name several scorers ({', '.join(names)}); run one at a time"
        )
    (name,) = names
    if name == UNIT_TESTS and not allow_code:
        if problems:
            raise UsageError(
                f"dataset.scorer: {name!r} runs code that models write, in a sandbox; "
                "if you want that, add --allow-code"
            )
        name = "none"
    if name.partition(":")[0] in {each.partition(":")[0] for each in SCORER_NAMES}:
        scorer = scorer_named(name)
    else:
        made: Any = _plugin("scorers", name, "dataset.scorer", SCORER_NAMES, loaded, allow_import)
        scorer = cast("Scorer", made())
    if all(ill_posed_of(problem) is None for problem in problems):
        return scorer
    judge = loaded.scenario.ill_posed and loaded.scenario.ill_posed.judge
    return IllPosedScorer(scorer, IllPosedJudge(engines.get(judge)) if judge else None)


def _protocol(loaded: Loaded, parts: Parts, allow_import: bool) -> Plays:
    scenario = loaded.scenario
    match scenario.protocol:
        case "debate" | "monologue":
            alone = scenario.protocol == "monologue"
            return Debate(
                policy=parts.policy,
                critic=parts.critic,
                scorer=parts.scorer,
                budget=parts.budget,
                injected=() if alone else parts.injected,
                on_wrong_answer=scenario.on_wrong_answer,
                asks=scenario.asks,
                prices=parts.prices,
                informed=parts.informed and not alone,
            )
        case "best-of-n":
            (reward,) = (*parts.injected, *parts.tools)
            return BestOfN(parts.policy, reward, parts.scorer, scenario.n, parts.budget, parts.prices)
        case "long-thought":
            return LongThought(parts.policy, parts.scorer, behind=lambda reply: parted(reply)[1])
        case name:
            made: Any = _plugin("protocols", name, "protocol", BUILT_IN, loaded, allow_import)
            return cast("Plays", made(parts))


def _plugin(
    group: Literal["protocols", "scorers"],
    name: str,
    key: str,
    known: Sequence[str],
    loaded: Loaded,
    allow_import: bool,
) -> Any:
    return find_plugin(group, name, key, allow_import=allow_import, base_dir=loaded.base_dir, known=known)
