"""From a seat's spec to who sits there: a model, an agent, a panel, or a critic that goes by a reward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

from longthought.agents.errors import UsageError
from longthought.agents.rewards.contract import Reward
from longthought.agents.seats.assenting import AssentingCritic
from longthought.agents.seats.context import Context
from longthought.agents.seats.contract import Critic, Policy
from longthought.agents.seats.critic import CriticAgent
from longthought.agents.seats.panel import Panel
from longthought.agents.seats.policy import PolicyAgent
from longthought.agents.seats.reward_critic import RewardCritic
from longthought.agents.seats.sampling_critic import SamplingCritic
from longthought.agents.seats.solver import MAX_TOKENS, Solver
from longthought.protocols.transcript import LONG_THOUGHT
from longthought.scenarios.engines import Engines
from longthought.scenarios.load import Loaded
from longthought.scenarios.plugins import find_plugin
from longthought.scenarios.seat_spec import CRITICS, PanelSpec, RewardCriticSpec, SamplingCriticSpec, SeatSpec

SeatName = Literal["policy", "critic"]


class Seats:
    """Seats the policy and the critic of one scenario.

    Attributes:
        consulted: the rewards that the critic asks of its own accord.
        prompts: the texts of prompts beside the scenario's own set, by part.
    """

    def __init__(self, loaded: Loaded, engines: Engines, context: Context, allow_import: bool) -> None:
        self._sitting, self._base_dir = loaded.scenario.sitting, loaded.base_dir
        self._engines, self._context, self._allow_import = engines, context, allow_import
        self._whole = loaded.scenario.protocol == LONG_THOUGHT
        self.consulted: list[Reward] = []
        self.prompts: dict[str, str] = {}

    def policy(self) -> Policy:
        """Who proposes."""
        spec = self._sitting["policy"]
        if spec.agent is not None:
            return cast("Policy", self._agent("policy", spec, "seats.policy"))
        model = self._engines.get(spec.model or "")
        if self._whole:
            return Solver(model, self._context.prompts, spec.sampling_of(MAX_TOKENS))
        return PolicyAgent(model, self._context, spec.sampling)

    def policy_identity(self) -> dict[str, Any]:
        """What makes two policies the same one, as JSON: who sits there, and what it is shown of a path."""
        texts = self._context.prompts.texts
        return {
            **who_sits(self._sitting["policy"], self._engines),
            "prompts": {part: text for part, text in texts.items() if not part.startswith("critic")},
            "context": self._context.kind,
            "memory": self._context.memory,
        }

    def critic(self, tools: Sequence[Reward], reward: Callable[[str, str], Reward]) -> Critic:
        """Who judges; the assenting critic where the protocol asks none.

        Args:
            reward: the reward of a name, and the key that asks for it.
        """
        spec = self._sitting.get("critic")
        return AssentingCritic() if spec is None else self._critic(spec, "seats.critic", tools, reward)

    def _critic(
        self, spec: SeatSpec, key: str, tools: Sequence[Reward], reward: Callable[[str, str], Reward]
    ) -> Critic:
        if spec.panel is not None:
            return self._panel(spec.panel, key, tools, reward)
        if spec.agent is None:
            return self._model(spec, tools)
        if tools:
            raise UsageError(f"rewards.{tools[0].name}: an agent brings its own tools; use inject or off")
        if spec.agent == "sampling-critic":
            return self._sampling_critic(spec, key, reward)
        if spec.agent == "reward-critic":
            options = RewardCriticSpec.model_validate(spec.options)
            return RewardCritic(self._consult(options.reward, key, reward), options.threshold)
        return cast("Critic", self._agent("critic", spec, key))

    def _model(self, spec: SeatSpec, tools: Sequence[Reward]) -> Critic:
        model = self._engines.get(spec.model or "")
        if tools and not model.model_info["function_calling"]:
            raise UsageError(
                f"rewards.{tools[0].name}: the engine of model {spec.model!r} cannot call tools; "
                "use inject or off"
            )
        return CriticAgent(model, self._context, spec.sampling, tools)

    def _panel(
        self, spec: PanelSpec, key: str, tools: Sequence[Reward], reward: Callable[[str, str], Reward]
    ) -> Critic:
        """Its members, each built like a seat. Rewards as tools are for those that are models."""
        if tools and all(member.agent is not None for member in spec.members):
            raise UsageError(f"rewards.{tools[0].name}: no member of the panel is a model; use inject or off")
        members = {
            name: self._critic(
                member, f"{key}.options.members.{i}", tools if member.agent is None else (), reward
            )
            for i, (name, member) in enumerate(zip(spec.names, spec.members, strict=True))
        }
        return Panel(members, spec.rule)

    def _sampling_critic(self, spec: SeatSpec, key: str, reward: Callable[[str, str], Reward]) -> Critic:
        options = SamplingCriticSpec.model_validate(spec.options)
        critic = SamplingCritic(
            self._engines.get(spec.model or ""),
            self._context,
            self._consult(options.reward, key, reward),
            options.sampling,
            n=options.n,
            length_modifier=options.length_modifier,
            prompt=options.prompt,
            base_dir=self._base_dir,
        )
        self.prompts |= {f"{key}.{part}": text for part, text in critic.prompts.items()}
        return critic

    def _consult(self, name: str, key: str, reward: Callable[[str, str], Reward]) -> Reward:
        self.consulted.append(reward(name, f"{key}.options.reward"))
        return self.consulted[-1]

    def _agent(self, seat: SeatName, spec: SeatSpec, key: str) -> object:
        from autogen_agentchat.base import ChatAgent

        from longthought.agents.seats.adapter import SeatedCritic, SeatedPolicy

        name = spec.agent or ""
        factory: Any = find_plugin(
            "agents",
            name,
            f"{key}.agent",
            allow_import=self._allow_import,
            base_dir=self._base_dir,
            known=tuple(CRITICS),
        )
        options = dict(spec.options)
        if spec.model is not None:
            options["model"] = self._engines.get(spec.model)
        try:
            made: object = factory(**options)
        except (TypeError, ValueError) as error:  # UsageError and pydantic's are ValueErrors
            said = " ".join(str(error).split())
            raise UsageError(f"{key}.options: {name} does not take them: {said}") from error
        except Exception as error:  # a bug of the plug-in's own
            raise UsageError(f"{key}: {name} failed: {type(error).__name__}: {error}") from error
        does = "propose" if seat == "policy" else "judge"
        if callable(getattr(made, does, None)):
            return made
        if isinstance(made, ChatAgent):
            seated = SeatedPolicy if seat == "policy" else SeatedCritic
            return seated(factory=lambda: cast("ChatAgent", factory(**options)), context=self._context)
        raise UsageError(
            f"{key}.agent: {name} made a {type(made).__name__}, which has no method {does!r} "
            "and is no AutoGen ChatAgent"
        )


def who_sits(spec: SeatSpec, engines: Engines) -> dict[str, Any]:
    """Agent or model of a seat with its weights and settings, and those of each member of a panel, as JSON."""
    out = {"model", "passport", "min_f1"} | ({"options"} if spec.panel else set[str]())
    told: dict[str, Any] = {
        "seat": spec.model_dump(mode="json", exclude_none=True, exclude_defaults=True, exclude=out),
        "model": engines.identity(spec.model) if spec.model else None,
    }
    if spec.panel is not None:
        told["rule"] = spec.panel.rule
        told["members"] = [who_sits(member, engines) for member in spec.panel.members]
    return told
