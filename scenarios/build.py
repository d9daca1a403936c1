"""The one place that knows every class: from a scenario and its problems to a protocol ready to play."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.prompts import Prompts
from longthought.agents.rewards.contract import Reward, Scorer
from longthought.agents.seats.assenting import AssentingCritic
from longthought.agents.seats.context import Context
from longthought.agents.seats.contract import Critic, Policy
from longthought.agents.seats.critic import CriticAgent
from longthought.agents.seats.panel import Panel
from longthought.agents.seats.policy import PolicyAgent
from longthought.agents.seats.reward_critic import RewardCritic
from longthought.agents.seats.sampling_critic import SamplingCritic
from longthought.protocols.best_of_n import BestOfN
from longthought.protocols.budget import Budget
from longthought.protocols.debate import Debate, Price
from longthought.protocols.runner import Plays
from longthought.scenarios.datasets import scorer_name
from longthought.scenarios.engines import Engines
from longthought.scenarios.load import Loaded
from longthought.scenarios.plugins import did_you_mean, find_plugin
from longthought.scenarios.reward_spec import RewardSpec
from longthought.scenarios.rewards import KINDS, Wants, make_reward
from longthought.scenarios.schema import BUILT_IN, Scenario
from longthought.scenarios.seat_spec import CRITICS, PanelSpec, RewardCriticSpec, SamplingCriticSpec, SeatSpec


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


@dataclass(frozen=True)
class Built:
    """Everything one run needs. Close it when the run is over."""

    protocol: Plays
    parts: Parts
    engines: Engines
    #: The texts of all prompts, by part.
    prompts: Mapping[str, str]
    #: All rewards that are used, those too that only an ensemble or a critic asks.
    rewards: Mapping[str, Reward]

    async def close(self) -> None:
        await self.engines.close()
        for reward in self.rewards.values():
            await reward.close()
        await self.parts.scorer.close()


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
    builder = _Builder(loaded, allow_import, attempt_timeout)
    scorer = builder.scorer(problems, allow_code)
    context = context_of(loaded)
    policy = builder.policy(context)
    rewards = {name: builder.reward(name) for name in scenario.rewards_on}
    injected = [rewards[name] for name, spec in scenario.rewards.items() if spec.mode == "inject"]
    tools = [rewards[name] for name, spec in scenario.rewards.items() if spec.mode == "tool"]
    parts = Parts(
        scenario=scenario,
        policy=policy,
        critic=cast("Critic", builder.seat("critic", context, tools)),
        scorer=scorer,
        budget=scenario.budget,
        injected=injected,
        tools=tools,
        consulted=builder.consulted,
        prices=_prices(scenario),
    )
    prompts = {**context.prompts.texts, **builder.prompts}
    return Built(builder.protocol(parts), parts, builder.engines, prompts, builder.rewards)


@dataclass(frozen=True)
class BuiltReward:
    """One reward of a scenario by itself. Close it when the work is over."""

    reward: Reward
    #: It, and those that it asks.
    rewards: Mapping[str, Reward]
    engines: Engines
    scorer: Scorer

    async def close(self) -> None:
        await self.engines.close()
        for reward in self.rewards.values():
            await reward.close()
        await self.scorer.close()


def build_reward(
    loaded: Loaded, name: str, options: Mapping[str, Any], *, allow_import: bool = False
) -> BuiltReward:
    """The reward that the scenario calls so, be it off, or the built-in kind of that name, with more ``options``.

    Raises:
        UsageError: there is none, or it cannot be built.
    """
    builder = _Builder(loaded, allow_import, None)
    scorer = builder.scorer(())
    builder.policy(context_of(loaded))
    reward = builder.reward(name, loaded.source, options)
    return BuiltReward(reward, builder.rewards, builder.engines, scorer)


def context_of(loaded: Loaded) -> Context:
    """How the scenario's seats are shown their paths."""
    scenario = loaded.scenario
    return Context(
        Prompts(scenario.prompts, loaded.base_dir),
        scenario.context,
        scenario.memory,
        show_readings=any(spec.mode == "inject" for spec in scenario.rewards.values()),
    )


class _Builder:
    def __init__(self, loaded: Loaded, allow_import: bool, attempt_timeout: float | None) -> None:
        self._scenario, self._base_dir, self._allow_import = loaded.scenario, loaded.base_dir, allow_import
        self.engines = Engines(
            loaded.scenario.models,
            loaded.base_dir,
            allow_import=allow_import,
            attempt_timeout=attempt_timeout,
        )
        self._scorer: Scorer | None = None
        self._policy: Policy | None = None
        self.rewards: dict[str, Reward] = {}
        self._building: list[str] = []
        self.consulted: list[Reward] = []
        #: The texts of prompts beside the seats' own, by part.
        self.prompts: dict[str, str] = {}

    def protocol(self, parts: Parts) -> Plays:
        scenario = parts.scenario
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
                return BestOfN(parts.policy, reward, parts.scorer, scenario.n, parts.budget)
            case name:
                return cast("Plays", self._plugin("protocols", name, "protocol", BUILT_IN)(parts))

    def seat(self, seat: Literal["policy", "critic"], context: Context, tools: Sequence[Reward]) -> object:
        """Who sits there; a seat that the protocol does not ask is taken by the assenting critic."""
        spec = self._scenario.sitting.get(seat)
        if spec is None:
            return AssentingCritic()
        return self._sitter(seat, spec, f"seats.{seat}", context, tools)

    def _sitter(
        self,
        seat: Literal["policy", "critic"],
        spec: SeatSpec,
        key: str,
        context: Context,
        tools: Sequence[Reward],
    ) -> object:
        if spec.panel is not None:
            return self._panel(spec.panel, key, context, tools)
        if spec.agent is not None:
            if tools and seat == "critic":
                raise UsageError(f"rewards.{tools[0].name}: an agent brings its own tools; use inject or off")
            if spec.agent == "sampling-critic":
                return self._sampling_critic(spec, key, context)
            if spec.agent == "reward-critic":
                return self._reward_critic(spec, key)
            return self._agent(seat, spec, key, spec.agent, context)
        model = self.engines.get(spec.model or "")
        if seat == "policy":
            return PolicyAgent(model, context, spec.sampling)
        if tools and not model.model_info["function_calling"]:
            raise UsageError(
                f"rewards.{tools[0].name}: the engine of model {spec.model!r} cannot call tools; "
                "use inject or off"
            )
        return CriticAgent(model, context, spec.sampling, tools)

    def policy(self, context: Context) -> Policy:
        """The policy's seat, which rewards may ask too."""
        self._policy = cast("Policy", self.seat("policy", context, ()))
        return self._policy

    def _panel(self, spec: PanelSpec, key: str, context: Context, tools: Sequence[Reward]) -> Panel:
        """Its members, each built like a seat. Rewards as tools are for those that are models."""
        if tools and all(member.agent is not None for member in spec.members):
            raise UsageError(f"rewards.{tools[0].name}: no member of the panel is a model; use inject or off")
        members = {
            name: self._sitter(
                "critic",
                member,
                f"{key}.options.members.{i}",
                context,
                tools if member.agent is None else (),
            )
            for i, (name, member) in enumerate(zip(spec.names, spec.members, strict=True))
        }
        return Panel(cast("dict[str, Critic]", members), spec.rule)

    def _sampling_critic(self, spec: SeatSpec, key: str, context: Context) -> SamplingCritic:
        options = SamplingCriticSpec.model_validate(spec.options)
        critic = SamplingCritic(
            self.engines.get(spec.model or ""),
            context,
            self._consult(options.reward, key),
            options.sampling,
            n=options.n,
            length_modifier=options.length_modifier,
            prompt=options.prompt,
            base_dir=self._base_dir,
        )
        self.prompts |= {f"{key}.{part}": text for part, text in critic.prompts.items()}
        return critic

    def _reward_critic(self, spec: SeatSpec, key: str) -> RewardCritic:
        options = RewardCriticSpec.model_validate(spec.options)
        return RewardCritic(self._consult(options.reward, key), options.threshold)

    def _consult(self, name: str, key: str) -> Reward:
        """A reward that a critic asks of its own accord; the built-in kind of that name needs no entry."""
        reward = self.reward(name, f"{key}.options.reward")
        self.consulted.append(reward)
        return reward

    def scorer(self, problems: Sequence[Problem], allow_code: bool = False) -> Scorer:
        from longthought.agents.rewards.ill_posed import ill_posed_of
        from longthought.agents.rewards.ill_posed_judge import IllPosedJudge
        from longthought.agents.rewards.ill_posed_scorer import IllPosedScorer
        from longthought.agents.rewards.scorers import UNIT_TESTS

        names = sorted({problem.scorer for problem in problems}) or [scorer_name(self._scenario.dataset)]
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
        self._scorer, spec = self._scorer_named(name), self._scenario.ill_posed
        if any(ill_posed_of(problem) is not None for problem in problems):
            judge = spec and spec.judge
            self._scorer = IllPosedScorer(
                self._scorer, IllPosedJudge(self.engines.get(judge)) if judge else None
            )
        return self._scorer

    def _scorer_named(self, name: str) -> Scorer:
        from longthought.agents.rewards.scorers import SCORER_NAMES, scorer_named

        known = {each.partition(":")[0] for each in SCORER_NAMES}
        if name.partition(":")[0] in known:
            return scorer_named(name)
        return cast("Scorer", self._plugin("scorers", name, "dataset.scorer", SCORER_NAMES)())

    def reward(self, name: str, key: str = "rewards", options: Mapping[str, Any] | None = None) -> Reward:
        """The reward of that name, be it off, or the built-in kind; built when it is first asked for.

        Args:
            key: who asks, for the error line.
            options: more options than the scenario gives it.
        """
        if name not in self.rewards:
            specs = self._scenario.rewards
            spec = specs.get(name, RewardSpec(mode="off")) if name in KINDS else specs.get(name)
            if spec is None:
                there = sorted({*specs, *KINDS})
                raise UsageError(
                    f"{key}: no reward {name!r} under rewards{did_you_mean(name, there)}; "
                    f"there: {', '.join(specs) or 'none'}; built in: {', '.join(sorted(KINDS))}"
                )
            if name in self._building:
                circle = " → ".join((*self._building[self._building.index(name) :], name))
                raise UsageError(f"{key}: {circle} is a circle; take one of them out")
            if options:
                spec = spec.model_copy(update={"options": {**spec.options, **options}})
            self._building.append(name)
            made = self.rewards[name] = self._made(name, f"rewards.{name}", spec)
            self._building.pop()
            self.prompts |= {f"rewards.{name}.{part}": text for part, text in made.prompts.items()}
        return self.rewards[name]

    def _made(self, name: str, key: str, spec: RewardSpec) -> Reward:
        model = spec.model
        wants = Wants(
            scorer=self._scorer,
            model=self.engines.get(model) if model else None,
            who=(lambda: self.engines.identity(model)) if model else None,
            policy=self._policy,
            reward=lambda member: self.reward(member, f"{key}.options.members"),
            base_dir=self._base_dir,
        )
        return make_reward(name, key, spec, wants, allow_import=self._allow_import)

    def _agent(
        self, seat: Literal["policy", "critic"], spec: SeatSpec, key: str, name: str, context: Context
    ) -> object:
        from autogen_agentchat.base import ChatAgent

        from longthought.agents.seats.adapter import SeatedCritic, SeatedPolicy

        factory = self._plugin("agents", name, f"{key}.agent", tuple(CRITICS))
        options = dict(spec.options)
        if spec.model is not None:
            options["model"] = self.engines.get(spec.model)
        try:
            made: object = factory(**options)
        except (TypeError, ValueError) as error:  # UsageError and pydantic's are ValueErrors
            said = " ".join(str(error).split())
            raise UsageError(f"{key}.options: {name} does not take them: {said}") from error
        does = "propose" if seat == "policy" else "judge"
        if callable(getattr(made, does, None)):
            return made
        if isinstance(made, ChatAgent):
            seated = SeatedPolicy if seat == "policy" else SeatedCritic
            return seated(factory=lambda: cast("ChatAgent", factory(**options)), context=context)
        raise UsageError(
            f"{key}.agent: {name} made a {type(made).__name__}, which has no method {does!r} "
            "and is no AutoGen ChatAgent"
        )

    def _plugin(
        self,
        group: Literal["agents", "protocols", "scorers"],
        name: str,
        key: str,
        known: Sequence[str],
    ) -> Any:
        return find_plugin(
            group, name, key, allow_import=self._allow_import, base_dir=self._base_dir, known=known
        )


def _prices(scenario: Scenario) -> dict[str, Price]:
    """The price of each seat's tokens, and of rewards'; of several models the dearest, so that no budget is overrun."""
    asked = {seat: list(spec.models.values()) for seat, spec in scenario.sitting.items()}
    for spec in scenario.rewards.values():
        if spec.model is not None:
            # What a critic calls as a tool is counted as its own.
            asked.setdefault("critic" if spec.mode == "tool" else "reward", []).append(spec.model)
    if scenario.ill_posed is not None and scenario.ill_posed.judge is not None:
        asked["scorer"] = [scenario.ill_posed.judge]
    prices: dict[str, Price] = {}
    for seat, models in asked.items():
        known = [price for model in models if (price := scenario.models[model].price) is not None]
        if known:
            prices[seat] = Price(
                max(price.prompt for price in known), max(price.completion for price in known)
            )
    return prices
