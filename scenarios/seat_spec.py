"""The ``seats`` part of a scenario: who sits there, and the critics that are built in beside the models."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from longthought.agents.models.contract import Sampling
from longthought.agents.seats.panel import Rule
from longthought.scenarios.complaints import read_options

_SAMPLING = ("temperature", "top_p", "max_tokens", "stop")


class SeatSpec(BaseModel):
    """Who sits there: a model with its sampling settings, or an agent (a plug-in or ``module:object``)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | None = None
    temperature: float = Field(default=0.7, ge=0, le=5)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int = Field(default=512, ge=1)
    stop: tuple[str, ...] = ()
    agent: str | None = None
    #: Passed to the agent. One that takes an engine names it in ``model`` and gets it as ``model``.
    options: dict[str, Any] = Field(default_factory=dict)
    #: For the critic: a passport that `longthought judge` made of it, without which the run does not start.
    passport: str | None = None
    #: The least step F1 that the passport must show.
    min_f1: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _model_or_agent(self) -> Self:
        if self.model is None and self.agent is None:
            raise ValueError("needs a key 'model' (a name under models) or 'agent' (a plug-in)")
        if self.agent is None and "options" in self.model_fields_set:
            raise ValueError("'options' are for an agent, and no 'agent' is named")
        if self.agent is not None and (given := [k for k in _SAMPLING if k in self.model_fields_set]):
            raise ValueError(f"{given[0]!r} is for a model; an agent takes what it needs under 'options'")
        if self.min_f1 is not None and self.passport is None:
            raise ValueError("'min_f1' is a demand on a 'passport', and none is named")
        return self

    @model_validator(mode="after")
    def _options_fit(self) -> Self:
        if self.agent == "panel" and self.model is not None:
            raise ValueError("a panel has no 'model' of its own; its members have")
        if self.agent == "sampling-critic" and self.model is None:
            raise ValueError("a sampling-critic draws from a model; name one under 'model'")
        if self.agent is not None and self.agent in CRITICS:
            read_options(CRITICS[self.agent], self.options)
        return self

    @property
    def sampling(self) -> Sampling:
        return Sampling(self.temperature, self.top_p, self.max_tokens, stop=self.stop)

    def sampling_of(self, max_tokens: int) -> Sampling:
        """The same, with so many tokens unless the seat says how many: for replies that are longer than a step."""
        return (
            self.sampling
            if "max_tokens" in self.model_fields_set
            else replace(self.sampling, max_tokens=max_tokens)
        )

    @property
    def panel(self) -> PanelSpec | None:
        """The options of a panel; None for any other seat."""
        return PanelSpec.model_validate(self.options) if self.agent == "panel" else None

    @property
    def asked(self) -> tuple[SeatSpec, ...]:
        """Who is asked in its place: a panel's members, else itself."""
        return self.panel.members if self.panel is not None else (self,)

    @property
    def models(self) -> dict[str, str]:
        """The names of the models that it asks, by the key of the seat that names them."""
        keys = {f"options.members.{i}.model": member.model for i, member in enumerate(self.asked)}
        named = keys if self.panel is not None else {"model": self.model}
        return {key: model for key, model in named.items() if model is not None}


class MemberSpec(SeatSpec):
    """A member of a panel, written like a seat."""

    #: What readings and reports call it: its model or agent unless given, and numbered where two are called the same.
    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")

    @model_validator(mode="after")
    def _fits_a_panel(self) -> Self:
        if self.agent == "panel":
            raise ValueError("a panel cannot be a member of a panel; name its members here")
        if self.passport is not None:
            raise ValueError("a passport is of the whole panel; move it to seats.critic")
        return self


class PanelSpec(BaseModel):
    """Options of ``agent: panel``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: Rule = "vote"
    members: tuple[MemberSpec, ...]

    @model_validator(mode="after")
    def _several_with_names_of_their_own(self) -> Self:
        if len(self.members) < 2:
            raise ValueError(f"a panel has two members or more, not {len(self.members)}")
        given = Counter(member.name for member in self.members if member.name is not None)
        if twice := [name for name, count in given.items() if count > 1]:
            raise ValueError(f"two members are called {twice[0]!r}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The members' names, in order."""
        names: list[str] = []
        taken = {member.name for member in self.members if member.name is not None}
        for member in self.members:
            stem = member.agent or member.model or ""
            tries = (stem if i == 1 else f"{stem}-{i}" for i in range(1, len(self.members) + 2))
            names.append(member.name or next(each for each in tries if each not in taken))
            taken.add(names[-1])
        return tuple(names)


class SamplingCriticSpec(BaseModel):
    """Options of ``agent: sampling-critic``; its model is the seat's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Name of a reward of the scenario, which may be ``off``.
    reward: str
    #: Verdicts drawn for each judgement, in one request.
    n: int = Field(default=4, ge=1, le=256)
    #: What a quoted fault adds to an objection's score.
    length_modifier: float = Field(default=0.1, ge=-1, le=1)
    temperature: float = Field(default=0.7, ge=0, le=5)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int = Field(default=200, ge=1)
    #: A shipped prompt set, or a directory with ``sampling_cue.md``.
    prompt: str = "default"

    @property
    def sampling(self) -> Sampling:
        return Sampling(self.temperature, self.top_p, self.max_tokens)


class RewardCriticSpec(BaseModel):
    """Options of ``agent: reward-critic``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Name of a reward of the scenario, which may be ``off``, or of a built-in kind.
    reward: str
    #: A step that scores below is gone back from.
    threshold: float = Field(default=0.5, ge=0, le=1)


#: Agents that are built in, and what they take as options.
CRITICS: dict[str, type[PanelSpec | RewardCriticSpec | SamplingCriticSpec]] = {
    "panel": PanelSpec,
    "reward-critic": RewardCriticSpec,
    "sampling-critic": SamplingCriticSpec,
}
