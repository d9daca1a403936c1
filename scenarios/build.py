"""The one place that knows every class: from a scenario and its problems to a protocol ready to play."""

from __future__ import annotations

from collections.abc import Sequence
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
from longthought.agents.seats.policy import PolicyAgent
from longthought.protocols.best_of_n import BestOfN
from longthought.protocols.budget import Budget
from longthought.protocols.debate import Debate, Price
from longthought.protocols.runner import Plays
from longthought.scenarios.engines import Engines
from longthought.scenarios.load import Loaded
from longthought.scenarios.plugins import find_plugin
from longthought.scenarios.rewards import Wants, make_reward
from longthought.scenarios.schema import BUILT_IN, Scenario, SeatSpec


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
    prices: dict[str, Price] = field(default_factory=dict[str, Price])

    @property
    def informed(self) -> bool:
        """A reward that looks at the gold answer speaks to the critic."""
        return any(reward.uses_gold for reward in (*self.injected, *self.tools))


@dataclass(frozen=True)
class Built:
    """Everything one run needs. Close it when the run is over."""

    protocol: Plays
    parts: Parts
    engines: Engines
    prompts: Prompts

    async def close(self) -> None:
        await self.engines.close()
        for reward in (*self.parts.injected, *self.parts.tools):
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
    rewards = {name: builder.reward(name, scorer) for name in scenario.rewards_on}
    injected = [rewards[name] for name, spec in scenario.rewards.items() if spec.mode == "inject"]
    tools = [rewards[name] for name, spec in scenario.rewards.items() if spec.mode == "tool"]
    context = context_of(loaded)
    parts = Parts(
        scenario=scenario,
        policy=cast("Policy", builder.seat("policy", context, tools)),
        critic=cast("Critic", builder.seat("critic", context, tools)),
        scorer=scorer,
        budget=scenario.budget,
        injected=injected,
        tools=tools,
        prices=_prices(scenario),
    )
    return Built(builder.protocol(parts), parts, builder.engines, context.prompts)


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
        if spec.agent is not None:
            if tools and seat == "critic":
                raise UsageError(f"rewards.{tools[0].name}: an agent brings its own tools; use inject or off")
            return self._agent(seat, spec, spec.agent, context)
        model = self.engines.get(spec.model or "")
        if seat == "policy":
            return PolicyAgent(model, context, spec.sampling)
        if tools and not model.model_info["function_calling"]:
            raise UsageError(
                f"rewards.{tools[0].name}: the engine of model {spec.model!r} cannot call tools; "
                "use inject or off"
            )
        return CriticAgent(model, context, spec.sampling, tools)

    def scorer(self, problems: Sequence[Problem], allow_code: bool) -> Scorer:
        from longthought.agents.rewards.scorers import SCORER_NAMES, UNIT_TESTS, scorer_named

        names = sorted({problem.scorer for problem in problems})
        if len(names) > 1:
            raise UsageError(
                f"dataset: its problems name several scorers ({', '.join(names)}); run one at a time"
            )
        name = names[0] if names else "none"
        if name == UNIT_TESTS and not allow_code:
            raise UsageError(
                f"dataset.scorer: {name!r} runs code that models write, in a sandbox; "
                "if you want that, add --allow-code"
            )
        known = {each.partition(":")[0] for each in SCORER_NAMES}
        if name.partition(":")[0] in known:
            return scorer_named(name)
        return cast("Scorer", self._plugin("scorers", name, "dataset.scorer", SCORER_NAMES)())

    def reward(self, name: str, scorer: Scorer) -> Reward:
        spec = self._scenario.rewards[name]
        model = self.engines.get(spec.model) if spec.model else None
        wants = Wants(scorer, model, self._base_dir)
        return make_reward(name, f"rewards.{name}", spec, wants, allow_import=self._allow_import)

    def _agent(
        self, seat: Literal["policy", "critic"], spec: SeatSpec, name: str, context: Context
    ) -> object:
        from autogen_agentchat.base import ChatAgent

        from longthought.agents.seats.adapter import SeatedCritic, SeatedPolicy

        key = f"seats.{seat}"
        factory = self._plugin("agents", name, f"{key}.agent", ())
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
    """The price of each seat's tokens, for seats whose model has one."""
    prices: dict[str, Price] = {}
    for seat, spec in scenario.sitting.items():
        price = scenario.models[spec.model].price if spec.model else None
        if price is not None:
            prices[seat] = Price(price.prompt, price.completion)
    return prices
