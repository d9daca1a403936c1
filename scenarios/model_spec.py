"""The ``models`` part of a scenario: one engine each, with the keys that this engine has."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from longthought.agents.did_you_mean import did_you_mean
from longthought.agents.models.local_weights import Device, Dtype

#: The keys of each engine, apart from ``engine``, ``name`` and ``price``; with an exclamation mark: required.
ENGINE_KEYS: dict[str, tuple[str, ...]] = {
    "openai": ("model!", "base_url!", "api_key_env", "attempt_timeout", "structured", "extra_body"),
    "transformers": ("model!", "device", "dtype", "max_batch", "context"),
    "vllm": ("model!", "lora", "max_model_len", "engine_options"),
    "recorded": ("file!", "source"),
}


def yaml_off(value: object) -> object:
    """``off`` again, which YAML 1.1 reads as false."""
    return "off" if value is False else value


class PriceSpec(BaseModel):
    """What a model's tokens cost, per million, in whatever currency the budget is in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: float = Field(default=0.0, ge=0)
    completion: float = Field(default=0.0, ge=0)


class ModelSpec(BaseModel):
    """``engine`` is one of ``ENGINE_KEYS``, or ``module:factory``, called with ``options``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: str
    #: What transcripts call it; the engine's own default otherwise.
    name: str | None = None
    #: ``embedded``, a directory (relative to the scenario's), a hub name, or the name a server knows.
    model: str | None = None
    price: PriceSpec | None = None

    base_url: str | None = None
    #: The environment variable that holds the key. Keys themselves never stand in a scenario.
    api_key_env: str | None = None
    #: Seconds after which one attempt is given up.
    attempt_timeout: float | None = Field(default=None, gt=0)
    structured: Annotated[Literal["auto", "regex", "off"] | None, BeforeValidator(yaml_off)] = None
    extra_body: dict[str, Any] | None = None

    device: Device | None = None
    dtype: Dtype | None = None
    max_batch: int | None = Field(default=None, ge=1)
    context: int | None = Field(default=None, ge=16)

    lora: str | None = None
    max_model_len: int | None = Field(default=None, ge=16)
    engine_options: dict[str, Any] | None = None

    file: str | None = None
    #: The model whose replies are recorded into ``file``; without it they are replayed from there.
    source: str | None = None

    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _keys_of_engine(self) -> Self:
        if ":" in self.engine:
            known = ["options", "model"]
        elif self.engine in ENGINE_KEYS:
            known = [key.rstrip("!") for key in ENGINE_KEYS[self.engine]]
        else:
            there = ", ".join(ENGINE_KEYS)
            raise ValueError(
                f"no engine is named {self.engine!r}{did_you_mean(self.engine, ENGINE_KEYS)}; "
                f"there are {there}, or module:factory with --allow-import"
            )
        for key in sorted(self.model_fields_set - {"engine", "name", "price", *known}):
            raise ValueError(
                f"engine {self.engine} has no key {key!r}; it has {', '.join(known)}, name, price"
            )
        for key in ENGINE_KEYS.get(self.engine, ()):
            if key.endswith("!") and not getattr(self, key.rstrip("!")):
                raise ValueError(f"engine {self.engine} needs the key {key.rstrip('!')!r}")
        return self
