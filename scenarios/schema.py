"""What a scenario file may say. Keys that are not here are refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from longthought.agents.did_you_mean import did_you_mean
from longthought.agents.seats.context import ContextKind, Memory
from longthought.protocols.budget import Budget
from longthought.protocols.transcript import LONG_THOUGHT
from longthought.scenarios.dataset_files import FileSpec, HuggingFaceSpec
from longthought.scenarios.dataset_gym import ReasoningGymSpec
from longthought.scenarios.dataset_traps import TrapPairsSpec
from longthought.scenarios.model_spec import ModelSpec
from longthought.scenarios.reward_spec import RewardSpec
from longthought.scenarios.seat_spec import CRITICS, SeatSpec

#: Protocols with rules of their own in this file; any other name is a plug-in.
BUILT_IN = ("debate", "monologue", "best-of-n", LONG_THOUGHT)

#: Of these, those without a critic.
ALONE = ("monologue", "best-of-n", LONG_THOUGHT)


class PluginDataset(BaseModel):
    """Problems from a plug-in, which is called with ``options``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["plugin"] = "plugin"
    name: str
    options: dict[str, Any] = Field(default_factory=dict)


Dataset = Annotated[
    ReasoningGymSpec | FileSpec | HuggingFaceSpec | TrapPairsSpec | PluginDataset, Field(discriminator="kind")
]


class Seats(BaseModel):
    """The two seats. Protocols without a critic leave its seat empty or ignore it.

    ``rewriter`` has no part in debates: `longthought rewrite` asks it to rewrite their thoughts afterwards.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: SeatSpec
    critic: SeatSpec | None = None
    rewriter: SeatSpec | None = None


class IllPosedSpec(BaseModel):
    """How it is found out whether ``terminate ill_posed`` names what is wrong with a problem."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: A model to ask where the rule is not sure; without it such an end stays unscored.
    judge: str | None = None


class Scenario(BaseModel):
    """One scenario, with every default filled in. Two runs of the same scenario are the same run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Also the name of the run directory.
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    dataset: Dataset
    models: dict[str, ModelSpec] = Field(default_factory=dict)
    seats: Seats
    protocol: str = "debate"
    protocol_options: dict[str, Any] = Field(default_factory=dict)
    #: Samples of best-of-n.
    n: int = Field(default=1, ge=1)
    #: A shipped set, or a directory relative to the scenario's.
    prompts: str = "default"
    context: ContextKind = "per_seat"
    memory: Memory = "walk"
    rewards: dict[str, RewardSpec] = Field(default_factory=dict)
    on_wrong_answer: Literal["stop", "tell"] = "stop"
    #: Of problems known to be ill-posed, and of their ordinary twins.
    ill_posed: IllPosedSpec | None = None
    #: How often a seat is asked in all before its nonsense becomes an outcome.
    asks: int = Field(default=3, ge=1)
    budget: Budget = Field(default_factory=Budget)
    #: How many debates each problem gets.
    epochs: int = Field(default=1, ge=1)
    seed: int = Field(default=0, ge=0)

    @property
    def rewards_on(self) -> tuple[str, ...]:
        """The names of the rewards that are not off."""
        return tuple(name for name, spec in self.rewards.items() if spec.mode != "off")

    @property
    def sitting(self) -> dict[str, SeatSpec]:
        """The seats that this protocol asks, by name."""
        seats = {"policy": self.seats.policy}
        if self.seats.critic is not None and self.protocol not in ALONE:
            seats["critic"] = self.seats.critic
        return seats

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        for seat, spec in self.sitting.items():
            for key, named in spec.models.items():
                self._known_model(f"seats.{seat}.{key}", named)
        if self.seats.rewriter is not None:
            self._known_model("seats.rewriter.model", self.seats.rewriter.model)
        for name, model in self.models.items():
            self._known_model(f"models.{name}.source", model.source)
        for name, reward in self.rewards.items():
            self._known_model(f"rewards.{name}.model", reward.model)
        if self.ill_posed is not None:
            self._known_model("ill_posed.judge", self.ill_posed.judge)
        return self

    @model_validator(mode="after")
    def _passport_of_a_critic(self) -> Self:
        if self.seats.policy.passport is not None:
            raise ValueError("seats.policy.passport: passports are of critics; move it to seats.critic")
        return self

    @model_validator(mode="after")
    def _critics_judge(self) -> Self:
        if self.seats.policy.agent in CRITICS:
            raise ValueError(
                f"seats.policy.agent: a {self.seats.policy.agent} judges; move it to seats.critic"
            )
        return self

    @model_validator(mode="after")
    def _protocol_fits(self) -> Self:
        if self.protocol == "debate" and self.seats.critic is None:
            raise ValueError("seats.critic: is missing; a debate needs it, protocol: monologue does not")
        if self.protocol == "best-of-n" and len(self.rewards_on) != 1:
            raise ValueError(
                f"rewards: best-of-n needs exactly one that is not off, not {len(self.rewards_on)}"
            )
        if self.protocol in BUILT_IN and self.protocol != "best-of-n" and self.n != 1:
            raise ValueError(f"n: {self.n} samples are for protocol: best-of-n; a {self.protocol} takes 1")
        if self.protocol == LONG_THOUGHT and self.seats.policy.agent is not None:
            raise ValueError("seats.policy.agent: a long thought is asked of a model; name one under 'model'")
        if self.protocol in BUILT_IN and self.protocol_options:
            raise ValueError(f"protocol_options: {self.protocol} takes none")
        return self

    def _known_model(self, key: str, name: str | None) -> None:
        if name is not None and name not in self.models:
            there = ", ".join(self.models) or "none"
            raise ValueError(
                f"{key}: no model {name!r} under models{did_you_mean(name, self.models)}; there: {there}"
            )
