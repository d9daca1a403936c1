"""A process reward model in this process: paths that wait together share forward passes, and their common prefixes.

The paths of one problem become a trie of tokens, tries fill passes, and nothing is padded (see ``trie_attention``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longthought.agents.errors import LongthoughtError, RewardError
from longthought.agents.models.local_weights import Device, Dtype, load_weights, local_directory
from longthought.agents.rewards.prm.conventions import Convention
from longthought.agents.rewards.prm.head import Head, check_head, load_head
from longthought.agents.rewards.prm.layout import StepLayout
from longthought.agents.rewards.prm.token_trie import TokenTrie, joined, token_trie
from longthought.agents.rewards.prm.trie_attention import plan_of, use_trie_attention


@dataclass(frozen=True, slots=True)
class _Loaded:
    model: Any
    head: Head
    layout: StepLayout
    context: int


@dataclass(eq=False, slots=True)
class _Request:
    question: str
    steps: tuple[str, ...]
    future: asyncio.Future[list[float]]
    ids: list[int]
    #: Where its steps end.
    ends: list[int]


#: A trie and the requests for its sequences, in the same order.
_Merged = tuple[TokenTrie, list[_Request]]


class InProcessPrm:
    """Loads the weights when first asked; one thread at a time works for it.

    Args:
        source: directory or hub name; safetensors only, and none of the model's code.
        max_batch: tokens in one forward pass; a problem whose paths have more together is cut in parts.

    Attributes:
        computed: tokens that went through the model so far.

    Raises:
        UsageError: a directory whose weights have not the convention's head.
    """

    def __init__(
        self, source: str, convention: Convention, *, device: Device, dtype: Dtype, max_batch: int
    ) -> None:
        if Path(source).is_dir():
            check_head(Path(source), convention)
        self._source, self._convention = source, convention
        self._device: Device = device
        self._dtype: Dtype = dtype
        self._max_batch = max_batch
        self._loaded: _Loaded | None = None
        self._waiting: list[_Request] = []
        self._worker: asyncio.Task[None] | None = None
        self.computed = 0

    async def probabilities(self, question: str, steps: Sequence[str]) -> list[float]:
        """For every step the probability that it is right.

        Raises:
            RewardError: the weights cannot be loaded, the path is longer than the model reads, or the pass failed.
        """
        future: asyncio.Future[list[float]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(question, tuple(steps), future, [], []))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._read_waiting())
        return await future

    async def close(self) -> None:
        if self._worker is not None and not self._worker.done():
            await asyncio.wait([self._worker])
        self._loaded = None

    async def _read_waiting(self) -> None:
        while self._waiting:
            requests, self._waiting = self._waiting, []
            try:
                passes, refused = await asyncio.to_thread(self._plan, requests)
                for request, error in refused:
                    _tell(request, error)
                for merged in passes:
                    results = await asyncio.to_thread(self._forward, merged)
                    for request, result in zip(merged[1], results, strict=True):
                        _tell(request, result)
            except Exception as error:
                said = str(error) if isinstance(error, LongthoughtError) else f"the model failed: {error}"
                for request in requests:
                    _tell(request, RewardError(said))

    def _plan(self, requests: list[_Request]) -> tuple[list[_Merged], list[tuple[_Request, RewardError]]]:
        """The passes to make, and the requests that cannot be read."""
        loaded = self._load()
        by_question: dict[str, list[_Request]] = {}
        refused: list[tuple[_Request, RewardError]] = []
        for request in requests:
            try:
                request.ids, request.ends = loaded.layout.encode(request.question, request.steps)
            except RewardError as error:
                refused.append((request, error))
                continue
            if len(request.ids) > loaded.context:
                told = f"the path has {len(request.ids)} tokens, the reward model reads {loaded.context}"
                refused.append((request, RewardError(told)))
                continue
            by_question.setdefault(request.question, []).append(request)
        return list(_passes(list(by_question.values()), self._max_batch)), refused

    def _forward(self, merged: _Merged) -> list[list[float]]:
        import torch

        loaded = self._load()
        trie, requests = merged
        plan = plan_of(trie, loaded.model.device)
        ends = [trie.places[at][end] for at, request in enumerate(requests) for end in request.ends]
        with torch.inference_mode():
            output = loaded.model(input_ids=plan.ids, position_ids=plan.positions, use_cache=False, trie=plan)
            told = loaded.head.probabilities(output.last_hidden_state[0, ends]).tolist()
        self.computed += len(trie.ids)
        # Four digits: what shares a pass shows in the seventh, and readings should repeat.
        right = iter(round(value, 4) for value in told)
        return [[next(right) for _ in request.ends] for request in requests]

    def _load(self) -> _Loaded:
        if self._loaded is None:
            directory = local_directory(self._source)
            check_head(directory, self._convention)
            weights = load_weights(str(directory), self._device, self._dtype, None, headless=True)
            try:
                use_trie_attention(weights.model)
            except ValueError as error:
                raise RewardError(f"{self._source}: its attention cannot be replaced: {error}") from error
            head = load_head(directory, self._convention, weights.tokenizer, weights.model.device)
            layout = StepLayout(self._convention, weights.tokenizer)
            self._loaded = _Loaded(weights.model, head, layout, weights.context)
        return self._loaded


def _passes(groups: Sequence[list[_Request]], most: int) -> Iterator[_Merged]:
    """Fill passes with the tries of the groups, in their order."""
    tries: list[TokenTrie] = []
    requests: list[_Request] = []
    for group in groups:
        for trie, members in _tries(sorted(group, key=lambda request: request.ids), most):
            if tries and sum(len(each.ids) for each in tries) + len(trie.ids) > most:
                yield joined(tries), requests
                tries, requests = [], []
            tries.append(trie)
            requests += members
    if tries:
        yield joined(tries), requests


def _tries(requests: list[_Request], most: int) -> Iterator[_Merged]:
    """One trie for all of them, or for halves, quarters, …: neighbours share most, for they are sorted."""
    trie = token_trie([request.ids for request in requests])
    if len(trie.ids) <= most or len(requests) == 1:
        yield trie, requests
        return
    half = len(requests) // 2
    yield from _tries(requests[:half], most)
    yield from _tries(requests[half:], most)


def _tell(request: _Request, result: list[float] | RewardError) -> None:
    if request.future.done():
        return
    if isinstance(result, RewardError):
        request.future.set_exception(result)
    else:
        request.future.set_result(result)
