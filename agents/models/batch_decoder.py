"""Continuous batching over a transformers model: sequences join and leave a running batch at any token.

A hand loop instead of ``generate()``: for small models the overhead of ``generate()`` costs more than the
arithmetic, and it cannot give each row its own temperature, seed, limit and stop strings. A prompt is
computed up to its last token; that token is then fed like any other, so one kind of step serves new and old
sequences alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

import torch

from longthought.agents.models.contract import Finish, Sampling
from longthought.agents.models.slot_cache import SlotCache
from longthought.agents.models.token_draw import draw_tokens

#: Prompts are computed in groups of at most this many tokens, padding included: bounds memory, and keeps work
#: in CPU caches.
_PREFILL_TOKENS = 2048


@dataclass(eq=False)
class Generation:
    """One sequence being sampled. ``finish`` is None while it runs.

    Args:
        prompt: token ids, not empty; the n sequences of one request share the list itself, so it is computed
            once.
        limit: the most tokens to sample.
        random: this sequence's own source of randomness; one number is taken per token.
        choices: when given, the token sequences of which the reply must be one.
    """

    prompt: list[int]
    sampling: Sampling
    limit: int
    random: Random
    choices: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    tokens: list[int] = field(default_factory=list[int])
    logprobs: list[float] = field(default_factory=list[float])
    finish: Finish | None = None

    @property
    def cached(self) -> int:
        """How many tokens lie in the cache: all but the newest."""
        return len(self.prompt) + len(self.tokens) - 1

    @property
    def newest(self) -> int:
        return self.tokens[-1] if self.tokens else self.prompt[-1]


class BatchDecoder:
    """Samples up to ``max_batch`` sequences together. Not thread-safe, and it shares the tokenizer."""

    def __init__(self, model: Any, tokenizer: Any, max_batch: int) -> None:
        self.running: list[Generation] = []
        self._model, self._tokenizer, self._max_batch = model, tokenizer, max_batch
        self._device = model.device
        self._cache = SlotCache()
        self.end_tokens = _end_tokens(model, tokenizer)

    @property
    def free(self) -> int:
        return self._max_batch - len(self.running)

    @torch.inference_mode()
    def add(self, newcomers: Sequence[Generation]) -> None:
        """Let sequences join; at most ``free`` of them."""
        first = len(self.running)
        self.running.extend(newcomers)
        rows = dict[int, list[int]]()  # identity of the prompt → its rows
        prompts = dict[int, list[int]]()
        for row, generation in enumerate(newcomers, start=first):
            if len(generation.prompt) > 1:
                prompts[id(generation.prompt)] = generation.prompt
                rows.setdefault(id(generation.prompt), []).append(row)
        group = list[int]()
        for key in sorted(prompts, key=lambda key: len(prompts[key])):
            if group and (len(group) + 1) * (len(prompts[key]) - 1) > _PREFILL_TOKENS:
                self._prefill([prompts[k] for k in group], [rows[k] for k in group])
                group = []
            group.append(key)
        if group:
            self._prefill([prompts[k] for k in group], [rows[k] for k in group])

    def _prefill(self, prompts: list[list[int]], rows: list[list[int]]) -> None:
        width = max(map(len, prompts)) - 1
        # Padding on the right needs no mask: no token sees what comes after it, and decoding hides the
        # columns beyond.
        padded = [prompt[:-1] + [0] * (width + 1 - len(prompt)) for prompt in prompts]
        source = [i for i, targets in enumerate(rows) for _ in targets]
        self._cache.prefill(self._tensor([row for targets in rows for row in targets]), self._tensor(source))
        self._model(self._tensor(padded), past_key_values=self._cache, use_cache=True, logits_to_keep=1)

    @torch.inference_mode()
    def step(self) -> list[Generation]:
        """Sample a token for every running sequence; returns those that ended with it and left the batch."""
        running = self.running
        columns = [generation.cached for generation in running]
        width = max(columns) + 1
        position = self._tensor(columns)
        self._cache.decode(torch.arange(len(running), device=self._device), position, width)
        visible = torch.arange(width, device=self._device)[None, :] <= position[:, None]
        logits = self._model(
            self._tensor([[generation.newest] for generation in running]),
            position_ids=position[:, None],
            attention_mask=visible[:, None, None, :],
            past_key_values=self._cache,
            use_cache=True,
        ).logits[:, -1]
        tokens, logprobs = draw_tokens(
            logits,
            [generation.sampling.temperature for generation in running],
            [generation.sampling.top_p for generation in running],
            [generation.random.random() for generation in running],
            {row: self._allowed(g) for row, g in enumerate(running) if g.choices},
        )
        for generation, token, logprob in zip(running, tokens, logprobs, strict=True):
            generation.tokens.append(token)
            generation.logprobs.append(logprob)
            generation.finish = self._finish(generation, token)
        return self.leave([row for row, generation in enumerate(running) if generation.finish])

    @torch.inference_mode()
    def leave(self, rows: Sequence[int]) -> list[Generation]:
        """Take the sequences of ``rows`` out of the batch."""
        left = list[Generation]()
        for row in sorted(rows, reverse=True):
            left.append(self.running[row])
            last = self.running.pop()
            if row < len(self.running):
                self.running[row] = last
                self._cache.move(len(self.running), row, last.cached)
        return left

    def _allowed(self, generation: Generation) -> list[int]:
        done = len(generation.tokens)
        open_ = [c for c in generation.choices if list(c[:done]) == generation.tokens]
        ended = any(len(c) == done for c in open_)
        return [c[done] for c in open_ if len(c) > done] + (sorted(self.end_tokens) if ended else [])

    def _finish(self, generation: Generation, token: int) -> Finish | None:
        if token in self.end_tokens:
            return "stop"
        if generation.choices and set(self._allowed(generation)) <= self.end_tokens:
            return "stop"
        if generation.sampling.stop and self._stopped(generation):
            return "stop"
        return "length" if len(generation.tokens) >= generation.limit else None

    def _stopped(self, generation: Generation) -> bool:
        # Hardly a token stands for less than a byte, so a stop string that has just ended lies within this
        # tail.
        tail = max(len(stop.encode()) for stop in generation.sampling.stop) + 4
        said = self._tokenizer.decode(generation.tokens[-tail:], skip_special_tokens=True)
        return any(stop in said for stop in generation.sampling.stop)

    def _tensor(self, values: Sequence[int] | Sequence[Sequence[int]]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.long, device=self._device)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    configured: Any = model.generation_config.eos_token_id
    tokens = cast("list[int | None]", configured if isinstance(configured, list) else [configured])
    return frozenset(token for token in (*tokens, tokenizer.eos_token_id) if token is not None)
