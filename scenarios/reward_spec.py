"""The ``rewards`` part of a scenario: what each reward is made of, and how the critic gets at it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from longthought.agents.rewards.contract import READ_TIMEOUT
from longthought.scenarios.model_spec import yaml_off

#: ``tool``: the critic may call it; ``inject``: read before each judgement and shown; ``off``: not there.
RewardMode = Annotated[Literal["tool", "inject", "off"], BeforeValidator(yaml_off)]


class RewardSpec(BaseModel):
    """A reward. Written as a bare mode (``answer: inject``) where it needs nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: RewardMode
    #: A built-in kind or a plug-in; the name that the scenario gives the reward, unless said.
    kind: str | None = None
    #: A name under ``models``, for kinds that ask one.
    model: str | None = None
    #: Passed to the kind.
    options: dict[str, Any] = Field(default_factory=dict)
    #: Seconds for one reading.
    timeout: float = Field(default=READ_TIMEOUT, gt=0)
    #: Seconds for which a reward that fails is asked again, before the verdict is made without it.
    patience: float = Field(default=0.0, ge=0, le=7 * 24 * 3600)

    @model_validator(mode="before")
    @classmethod
    def _bare_mode(cls, data: object) -> object:
        return cast("object", data) if isinstance(data, (dict, RewardSpec)) else {"mode": data}

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> Any:
        return self.mode if self.model_fields_set <= {"mode"} else cast("dict[str, Any]", handler(self))
