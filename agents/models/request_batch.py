"""Requests as sequences in a batch: waiting, running, and back to replies."""

from __future__ import annotations

from collections import deque
from random import Random

from longthought.agents.errors import ContextLengthError, FatalModelError, LongthoughtError
from longthought.agents.models.batch_decoder import BatchDecoder, Generation
from longthought.agents.models.chat_tokens import ChatEncoder
from longthought.agents.models.contract import Reply, Usage
from longthought.agents.models.decoder_thread import Request
from longthought.agents.models.local_weights import LocalWeights


class RequestBatch:
    """Not thread-safe: one thread owns it.

    Raises:
        UsageError: the tokenizer has no chat template.
    """

    def __init__(self, weights: LocalWeights, max_batch: int) -> None:
        self._weights, self._max_batch = weights, max_batch
        self._encoder = ChatEncoder(weights.tokenizer)
        self._decoder = BatchDecoder(weights.model, weights.tokenizer, max_batch)
        self._waiting = deque[Generation]()
        self._wanted = dict[Generation, tuple[Request, int]]()

    @property
    def idle(self) -> bool:
        return not self._wanted

    def take(self, request: Request) -> None:
        """Put a request's sequences in the queue, or fail it."""
        sampling = request.sampling
        try:
            prompt = self._encoder.encode(request.messages, add_generation_prompt=True).ids
            choices = [tuple(self._encoder.encode_text(choice)) for choice in sampling.choice]
        except LongthoughtError as error:
            return request.fail(error)
        except Exception as error:  # whatever a tokenizer or template chokes on must not end this thread
            return request.fail(FatalModelError(f"the messages cannot be encoded: {error}"))
        room = self._weights.context - len(prompt)
        if room < 1:
            return request.fail(
                ContextLengthError(
                    f"the prompt has {len(prompt)} tokens, the context {self._weights.context}"
                )
            )
        if not prompt:
            return request.fail(FatalModelError("the chat template renders these messages as nothing"))
        for index in range(request.n):
            random = Random() if sampling.seed is None else Random(f"{sampling.seed}/{index}")
            generation = Generation(prompt, sampling, min(sampling.max_tokens, room), random, choices)
            self._wanted[generation] = (request, index)
            self._waiting.append(generation)

    def advance(self) -> None:
        """Let waiting sequences join where there is room, sample a token for all, settle what has ended."""
        decoder = self._decoder
        decoder.leave([row for row, generation in enumerate(decoder.running) if self._withdrawn(generation)])
        newcomers = list[Generation]()
        while self._waiting and len(newcomers) < decoder.free:
            generation = self._waiting.popleft()
            if not self._withdrawn(generation):
                newcomers.append(generation)
        if newcomers:
            decoder.add(newcomers)
        if decoder.running:
            for generation in decoder.step():
                self._settle(generation)

    def fail_all(self, error: LongthoughtError) -> None:
        for request in dict.fromkeys(request for request, _ in self._wanted.values()):
            request.fail(type(error)(*error.args))
        self._wanted.clear()
        self._waiting.clear()
        # Its cache may be what did not fit, or be half written.
        self._decoder = BatchDecoder(self._weights.model, self._weights.tokenizer, self._max_batch)

    def _withdrawn(self, generation: Generation) -> bool:
        if self._wanted[generation][0].future.cancelled():
            del self._wanted[generation]
            return True
        return False

    def _settle(self, generation: Generation) -> None:
        request, index = self._wanted.pop(generation)
        request.replies[index] = self._reply(generation, first=index == 0)
        if len(request.replies) == request.n and request.future.set_running_or_notify_cancel():
            request.future.set_result([request.replies[i] for i in range(request.n)])

    def _reply(self, generation: Generation, *, first: bool) -> Reply:
        sampling, tokens = generation.sampling, generation.tokens
        text: str = self._weights.tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        if generation.finish == "stop":
            text = text[: min((at for stop in sampling.stop if (at := text.find(stop)) >= 0), default=None)]
        return Reply(
            text,
            finish=generation.finish or "stop",
            usage=Usage(prompt=len(generation.prompt) if first else 0, completion=len(tokens)),
            token_ids=tuple(tokens) if sampling.logprobs else None,
            logprobs=tuple(generation.logprobs) if sampling.logprobs else None,
        )
