"""Counts, for every request to a vLLM server, the prompt tokens that its prefix cache could hold and those it held."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from longthought.agents.models.chat_tokens import ChatEncoder, plain_messages
from longthought.agents.models.contract import Message, Model, Reply, Sampling, ToolMessage

Seat = Literal["policy", "critic"]

#: What the policy may say: lower case, so that no reply holds an answer and every one is encoded as it was sampled.
STEP = "[a-z0-9 ]{20,40}"
_WHY = "[a-z ]{20,60}"
_STEP_NUMBER = re.compile(r"backtrack (\[0-\d\])")


@dataclass(frozen=True, slots=True)
class Request:
    """Tokens of one prompt.

    Attributes:
        before: as long as the longest prefix that an earlier request, its reply included, has in common with it.
        could: of these, what whole cache blocks hold. The last token of a prompt is always computed.
        cached: what the server took from its cache.
    """

    seat: Seat
    prompt: int
    before: int
    could: int
    cached: int


class Prefixes:
    """Every prefix of the token sequences that it was given."""

    def __init__(self) -> None:
        self._known = set[int]()

    def longest(self, ids: Sequence[int]) -> int:
        """The length of the longest known prefix of ``ids``."""
        chain = length = 0
        for token in ids:
            chain = hash((chain, token))
            if chain not in self._known:
                break
            length += 1
        return length

    def add(self, ids: Sequence[int]) -> None:
        chain = 0
        for token in ids:
            chain = hash((chain, token))
            self._known.add(chain)


class Watch:
    """The requests to one server so far. ``block`` is the size of its cache blocks in tokens."""

    def __init__(self, encoder: ChatEncoder, block: int) -> None:
        self.requests = list[Request]()
        self._encoder, self._block, self._prefixes = encoder, block, Prefixes()

    async def sample(
        self, seat: Seat, model: Model, messages: Sequence[Message | ToolMessage], sampling: Sampling
    ) -> Reply:
        """One reply. The server must send token ids, and count as many prompt tokens as are counted here."""
        ids = self._encoder.encode(plain_messages(messages), add_generation_prompt=True).ids
        before = self._prefixes.longest(ids)
        # Blocks are in the cache as soon as the server has a place for them, before they are computed.
        self._prefixes.add(ids)
        (reply,) = await model.sample(messages, sampling)
        if reply.usage.prompt != len(ids) or reply.token_ids is None:
            raise RuntimeError(f"{reply.usage.prompt} prompt tokens on the server, {len(ids)} here")
        self._prefixes.add([*ids, *reply.token_ids[:-1]])  # the last token was never an input
        could = min(before, len(ids) - 1) // self._block * self._block
        self.requests.append(Request(seat, len(ids), before, could, reply.usage.cached))
        return reply


class WatchedSeat(Model):
    """A seat's model, watched, and made to debate on: its steps hold no answer and its verdicts never terminate.

    Several replies are asked for one by one, so that each request has its own count.
    """

    def __init__(self, seat: Seat, model: Model, watch: Watch) -> None:
        super().__init__(f"{model.name} as {seat}")
        self._seat: Seat = seat
        self._model, self._watch = model, watch

    async def sample(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int = 1
    ) -> list[Reply]:
        regex = _endless(sampling.regex) if sampling.regex else STEP
        replies = list[Reply]()
        for i in range(n):
            seed = None if sampling.seed is None else sampling.seed + i
            constrained = replace(sampling, regex=regex, seed=seed)
            replies.append(await self._watch.sample(self._seat, self._model, messages, constrained))
        return replies


def _endless(verdicts: str) -> str:
    """The grammar of the verdicts on the same path, without the one that ends a debate."""
    found = _STEP_NUMBER.search(verdicts)
    number = found[1] if found else "[0-9]"  # on paths too long for one digit any one digit is there
    return f"(continue|backtrack {number}: {_WHY}|reflect: {_WHY})"
