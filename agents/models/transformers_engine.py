"""The in-process engine on transformers: requests of all debates are sampled in one batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from longthought.agents.errors import FatalModelError
from longthought.agents.models.chat_tokens import plain_messages
from longthought.agents.models.contract import Message, Model, Reply, Sampling, ToolMessage
from longthought.agents.models.decoder_thread import Batch, DecoderThread, Request
from longthought.agents.models.local_weights import Device, Dtype, check_model_source, load_weights


class TransformersModel(Model):
    """A causal language model with a chat template and weights in safetensors, run by transformers.

    Requests from any number of debates are sampled together, up to ``max_batch`` sequences at a time. What a
    sequence says depends on the messages, the sampling settings and its index among the n, not on what else
    is in the batch: its random numbers come from ``(seed, index)`` alone. (The shape of a batch changes the
    last bits of the logits, so it can decide between two tokens that are level to those bits.) Without a seed
    every reply is drawn afresh.

    ``choice`` is enforced, ``regex`` is not. ``max_tokens`` is cut to what the context leaves. With
    ``logprobs`` a reply carries its tokens, the end token included, and their log probabilities under the
    model itself, at temperature 1. The weights are loaded at the first request.

    Args:
        model: a directory, or a name on the Hugging Face hub. Code that comes with a model is never run.
        name: what transcripts call it; by default the hub name, or the directory's last part.
        dtype: ``auto`` is float32 on the CPU, elsewhere what the weights are stored in.
        max_batch: bounds the memory of the key–value cache: so many rows, as long as the longest.
        context: tokens of prompt and reply together, if less than the model's own.

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
        super().__init__(name or (Path(source).name if Path(source).is_dir() else source))
        self._thread = DecoderThread(partial(_load, source, device, dtype, max_batch, context), self.name)
        self._closed = False

    async def sample(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int = 1
    ) -> list[Reply]:
        if self._closed:
            raise FatalModelError(f"{self.name} is closed")
        if n < 1:
            return []
        request = Request(plain_messages(messages), sampling, n)
        self._thread.submit(request)
        return await asyncio.wrap_future(request.future)

    async def close(self) -> None:
        """Stop the thread and let go of the weights. Requests still waiting end in FatalModelError."""
        self._closed = True
        await asyncio.to_thread(self._thread.stop)


def _load(source: str, device: Device, dtype: Dtype, max_batch: int, context: int | None) -> Batch:
    from longthought.agents.models.request_batch import RequestBatch

    return RequestBatch(load_weights(source, device, dtype, context), max_batch)
