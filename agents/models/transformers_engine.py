"""The in-process engine on transformers: one worker thread owns the model and batches whatever requests are waiting."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from random import Random, SystemRandom
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal

from longthought.agents.errors import ContextLengthError, FatalModelError, LongthoughtError, UsageError
from longthought.agents.models.contract import Message, Model, Reply, Sampling, ToolMessage, Usage

if TYPE_CHECKING:
    from longthought.agents.models.batch_decoder import BatchDecoder, Generation
    from longthought.agents.models.chat_tokens import ChatEncoder

Device = Literal["auto", "cpu", "cuda"]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]


class TransformersModel(Model):
    """A causal language model with a chat template, from a directory or a Hugging Face name, weights in safetensors.

    Requests from any number of debates are sampled together, up to ``max_batch`` sequences at a time. What a sequence says
    depends on the messages, the sampling settings and its index among the n, not on what else is in the batch: its random
    numbers come from ``(seed, index)`` alone. Only where two tokens are level to the last bits of a float can the shape of
    the batch decide between them. Without a seed every reply is drawn afresh.

    ``choice`` is enforced, ``regex`` is not. Token ids include the end token; log probabilities are the model's own, at
    temperature 1. The weights are loaded at the first request.

    Args:
        model: a directory, or a name on the Hugging Face hub. Code that comes with a model is never run.
        name: what transcripts call it; by default the name, or the directory's last part.
        dtype: ``auto`` is float32 on the CPU, elsewhere what the weights are stored in.
        max_batch: bounds memory: that many sequences of the longest length in the batch.
        context: tokens of prompt and reply together, at most the model's own.

    Raises:
        UsageError: the directory holds no model.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        name: str | None = None,
        device: Device = "auto",
        dtype: Dtype = "auto",
        max_batch: int = 64,
        context: int | None = None,
    ) -> None:
        source = check_model_source(model)
        super().__init__(name or source.rstrip("/").rpartition("/")[2] if Path(source).is_dir() else name or source)
        self._source, self._device, self._dtype = source, device, dtype
        self._max_batch, self._context = max_batch, context
        self._worker: _Worker | None = None
        self._closed = False

    async def sample(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int = 1
    ) -> list[Reply]:
        if self._closed:
            raise FatalModelError(f"{self.name} is closed")
        if self._worker is None:
            self._worker = _Worker(self)
            self._worker.start()
        request = _Request(tuple(messages), sampling, n)
        self._worker.inbox.put(request)
        return await asyncio.wrap_future(request.future)

    async def close(self) -> None:
        """Stop the worker and let go of the weights. Requests still waiting end in FatalModelError."""
        self._closed = True
        if self._worker is not None:
            self._worker.inbox.put(None)
            await asyncio.to_thread(self._worker.join)
            self._worker = None
