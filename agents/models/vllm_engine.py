"""The in-process engine on vLLM: native n, prefix cache, grammars for verdicts, a LoRA adapter per seat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from longthought.agents.errors import ContextLengthError, FatalModelError, ModelError, RetryableError
from longthought.agents.models.chat_tokens import plain_messages
from longthought.agents.models.contract import Finish, Message, Model, Reply, Sampling, ToolMessage, Usage
from longthought.agents.models.local_weights import check_model_source
from longthought.agents.models.vllm_process import VllmProcess


class VllmModel(Model):
    """A model run by vLLM's ``AsyncLLM``. Its process starts at the first request, for that event loop alone.

    ``regex`` and ``choice`` are enforced. ``max_tokens`` is cut to what the context leaves. With ``logprobs``
    a reply carries its tokens, the end token included, and their log probabilities under the model itself, at
    temperature 1. Without a GPU weights are float32 and ``VLLM_CPU_KVCACHE_SPACE`` (GiB, 1 unless set) bounds
    the cache.

    Args:
        model: a directory, or a name on the Hugging Face hub; safetensors only, and code that comes with it
            is never run.
        name: what transcripts call it; by default the hub name, or the directory's last part.
        lora: the directory of an adapter that this seat uses. For another seat on the same engine see
            ``with_lora``.
        max_model_len: tokens of prompt and reply together, if less than the model's own.
        engine: further arguments of vLLM's ``AsyncEngineArgs`` (``gpu_memory_utilization``,
            ``tensor_parallel_size``, …).

    Raises:
        UsageError: vLLM is not installed, or the directory holds no model or no adapter.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        name: str | None = None,
        lora: str | Path | None = None,
        max_model_len: int | None = None,
        engine: Mapping[str, Any] | None = None,
    ) -> None:
        source = check_model_source(model)
        options = dict(engine or {}) | ({"max_model_len": max_model_len} if max_model_len else {})
        base = name or (Path(source).name if Path(source).is_dir() else source)
        super().__init__(base if lora is None or name else f"{base}+{Path(lora).name}")
        self._base = base
        self._process = VllmProcess(source, options)
        self._adapter = None if lora is None else _adapter(self._process, Path(lora))

    def with_lora(self, lora: str | Path, name: str | None = None) -> VllmModel:
        """The same engine with another adapter, for another seat; to be called before the first request.

        Closing either closes both.

        Raises:
            UsageError: no adapter lies there, or the engine runs already.
        """
        other = object.__new__(VllmModel)
        Model.__init__(other, name or f"{self._base}+{Path(lora).name}")
        other._base, other._process = self._base, self._process
        other._adapter = _adapter(self._process, Path(lora))
        return other

    async def sample(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int = 1
    ) -> list[Reply]:
        chat = plain_messages(messages)
        process = self._process
        await process.start()
        prompt = process.encoder.encode(chat, add_generation_prompt=True).ids
        room = process.context - len(prompt)
        if room < 1:
            raise ContextLengthError(f"the prompt has {len(prompt)} tokens, the context {process.context}")
        try:
            stream = process.engine.generate(
                {"type": "token", "prompt_token_ids": prompt},
                _parameters(sampling, n, room),
                uuid4().hex,
                lora_request=None if self._adapter is None else _lora_request(*self._adapter),
            )
            output = [final async for final in stream][-1]
        except Exception as error:
            raise _as_model_error(self.name, error) from error
        return [
            _reply(each, output, sampling) for each in sorted(output.outputs, key=lambda each: each.index)
        ]

    async def close(self) -> None:
        """End vLLM's process."""
        await self._process.close()


def _adapter(process: VllmProcess, path: Path) -> tuple[str, int]:
    return str(path), process.adapter(path)


def _lora_request(path: str, number: int) -> Any:
    module: Any = import_module("vllm.lora.request")
    return module.LoRARequest(Path(path).name, number, path)


def _parameters(sampling: Sampling, n: int, room: int) -> Any:
    module: Any = import_module("vllm.sampling_params")
    grammar: Any = None
    if sampling.choice:
        grammar = module.StructuredOutputsParams(choice=list(sampling.choice))
    elif sampling.regex is not None:
        grammar = module.StructuredOutputsParams(regex=sampling.regex)
    return module.SamplingParams(
        n=n,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=min(sampling.max_tokens, room),
        # vLLM seeds the i-th of n with seed + i, in 64 bits.
        seed=None if sampling.seed is None else sampling.seed % 2**62,
        stop=list(sampling.stop),
        logprobs=0 if sampling.logprobs else None,
        structured_outputs=grammar,
        output_kind=module.RequestOutputKind.FINAL_ONLY,
    )


def _reply(output: Any, request: Any, sampling: Sampling) -> Reply:
    if output.finish_reason not in ("stop", "length"):
        # An abort or a loop that vLLM cut off is no step of anyone's.
        raise RetryableError(f"vLLM ended a reply with {output.finish_reason!r}")
    tokens = tuple(int(token) for token in output.token_ids)
    logprobs = None
    if sampling.logprobs:
        logprobs = tuple(float(at[token].logprob) for at, token in zip(output.logprobs, tokens, strict=True))
    first = output.index == 0
    return Reply(
        output.text,
        finish=cast("Finish", output.finish_reason),
        usage=Usage(
            prompt=len(request.prompt_token_ids) if first else 0,
            completion=len(tokens),
            cached=(request.num_cached_tokens or 0) if first else 0,
        ),
        token_ids=tokens if sampling.logprobs else None,
        logprobs=logprobs,
    )


def _as_model_error(name: str, error: Exception) -> ModelError:
    errors: Any = import_module("vllm.exceptions")
    engine_errors: Any = import_module("vllm.v1.engine.exceptions")
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    if isinstance(error, engine_errors.EngineDeadError):
        return FatalModelError(f"{name}: vLLM's engine died; its log says why")
    if isinstance(error, (errors.VLLMClientError, ValueError)):
        if "maximum model length" in reason:
            return ContextLengthError(reason)
        return FatalModelError(f"{name}: vLLM refuses the request: {reason}")
    if isinstance(error, errors.GracefulHTTPError):
        return RetryableError(f"{name}: {reason}")
    return RetryableError(f"{name}: vLLM failed: {reason}")
