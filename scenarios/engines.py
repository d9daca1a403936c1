"""Engines from the ``models`` part of a scenario. Only what is used is built; no weights are loaded yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longthought.agents.errors import UsageError
from longthought.agents.models.contract import Model
from longthought.agents.models.local_weights import weights_digest
from longthought.scenarios.credentials import key_for
from longthought.scenarios.model_spec import ModelSpec
from longthought.scenarios.plugins import import_object

if TYPE_CHECKING:
    from longthought.agents.models.vllm_engine import VllmModel


class Engines:
    """The engines of one run, built when first asked for.

    Args:
        base_dir: what relative directories are relative to.
        attempt_timeout: seconds, instead of what the scenario says.
    """

    def __init__(
        self,
        specs: Mapping[str, ModelSpec],
        base_dir: Path,
        *,
        allow_import: bool = False,
        attempt_timeout: float | None = None,
    ) -> None:
        self._specs, self._base_dir, self._allow_import = specs, base_dir, allow_import
        self._attempt_timeout = attempt_timeout
        self.built: dict[str, Model] = {}
        self._vllm: dict[str, VllmModel] = {}

    def get(self, name: str) -> Model:
        """The engine of the model ``name``.

        Raises:
            UsageError: it cannot be built; the line starts with the key.
        """
        if name not in self.built:
            try:
                self.built[name] = self._build(name, self._specs[name])
            except UsageError as error:
                said = str(error)
                raise UsageError(said if said.startswith("models.") else f"models.{name}: {said}") from error
        return self.built[name]

    def identity(self, name: str) -> dict[str, Any]:
        """What makes two models the same one, as JSON: not where and in what hurry it is asked, but its weights."""
        spec = self._specs[name]
        told = spec.model_dump(mode="json", exclude_none=True, exclude=_NOT_WHO)
        if spec.engine != "openai":
            # The same weights are the same model wherever they lie.
            if spec.model is not None and (place := Path(self._weights(spec))).is_dir():
                told["model"] = weights_digest(place)
            if spec.lora is not None and (adapter := self._place(spec.lora)).is_dir():
                told["lora"] = weights_digest(adapter)
        return told

    async def close(self) -> None:
        for model in self.built.values():
            await model.close()

    def _build(self, name: str, spec: ModelSpec) -> Model:
        match spec.engine:
            case "openai":
                return self._openai(name, spec)
            case "transformers":
                from longthought.agents.models.transformers_engine import TransformersModel

                return TransformersModel(
                    self._weights(spec),
                    name=spec.name or spec.model,
                    **_given(spec, "device", "dtype", "max_batch", "context"),
                )
            case "vllm":
                return self._in_process_vllm(spec)
            case "recorded":
                return self._recorded(name, spec)
            case _:
                factory = import_object(
                    spec.engine,
                    f"models.{name}.engine",
                    allow_import=self._allow_import,
                    base_dir=self._base_dir,
                )
                return _model(factory, name, spec)

    def _openai(self, name: str, spec: ModelSpec) -> Model:
        from longthought.agents.models.openai_http import OpenAIModel

        options = _given(spec, "attempt_timeout", "structured", "extra_body")
        if self._attempt_timeout is not None:
            options["attempt_timeout"] = self._attempt_timeout
        return OpenAIModel(
            spec.model or "", spec.base_url or "", api_key_of(name, spec), name=spec.name, **options
        )

    def _in_process_vllm(self, spec: ModelSpec) -> Model:
        from longthought.agents.models.vllm_engine import VllmModel

        # Adapters of one base model share its engine.
        base = repr((spec.model, spec.max_model_len, spec.engine_options))
        if base not in self._vllm:
            self._vllm[base] = VllmModel(
                self._weights(spec),
                name=spec.name or spec.model,
                max_model_len=spec.max_model_len,
                engine=spec.engine_options,
            )
        if spec.lora is None:
            return self._vllm[base]
        return self._vllm[base].with_lora(self._place(spec.lora), name=spec.name)

    def _recorded(self, name: str, spec: ModelSpec) -> Model:
        from longthought.agents.models.recorded import RecordedModel

        source = None
        if spec.source is not None:
            if self._specs[spec.source].engine == "recorded":
                raise UsageError(
                    f"models.{name}.source: {spec.source!r} is itself recorded; name another engine"
                )
            source = self.get(spec.source)
        return RecordedModel(self._place(spec.file or ""), source)

    def _weights(self, spec: ModelSpec) -> str:
        if spec.model == "embedded":
            from longthought.agents.models.embedded import embedded_path

            return str(embedded_path("lm"))
        place = self._place(spec.model or "")
        return str(place) if place.is_dir() else spec.model or ""

    def _place(self, path: str) -> Path:
        return self._base_dir / Path(path).expanduser()


#: Keys of a model that say nothing of who answers.
_NOT_WHO = {"price", "base_url", "api_key_env", "attempt_timeout", "max_batch", "device"}


def api_key_of(name: str, spec: ModelSpec) -> str | None:
    """The key that the scenario's ``api_key_env`` points to.

    Raises:
        UsageError: the variable is not set, or its key is not for the model's host.
    """
    if spec.api_key_env is None:
        return None
    return key_for(spec.api_key_env, spec.base_url or "", f"models.{name}.api_key_env")


def _model(factory: Any, name: str, spec: ModelSpec) -> Model:
    try:
        model: object = factory(**spec.options)
    except TypeError as error:
        raise UsageError(f"models.{name}.options: {spec.engine} does not take them: {error}") from error
    if not isinstance(model, Model):
        raise UsageError(
            f"models.{name}.engine: {spec.engine} made a {type(model).__name__}, which is no Model"
        )
    return model


def _given(spec: ModelSpec, *keys: str) -> dict[str, Any]:
    return {key: value for key in keys if (value := getattr(spec, key)) is not None}
