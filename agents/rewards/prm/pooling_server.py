"""A process reward model behind vLLM's ``/pooling`` endpoint (task ``token_classify``).

Paths are tokenised here and sent as token ids, so that both sides read the same tokens and no step can pass for more
than one by spelling the tag. The server answers with a row for each token, or for each token that is the step tag
(vLLM's step pooler); a row holds the activated outputs of the head, one or two of them.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import aiohttp
import orjson

from longthought.agents.errors import ModelError, RewardError
from longthought.agents.models.wire_address import bearer_headers, endpoint_url, proxy_for
from longthought.agents.models.wire_errors import Endpoint, status_error, transport_error
from longthought.agents.rewards.prm.conventions import Convention
from longthought.agents.rewards.prm.layout import StepLayout

#: How far two probabilities may be from adding up to 1: servers compute in 16 bits.
_ROUNDING = 0.02


class PoolingServerPrm:
    """One model at one server.

    Args:
        base_url: the server's address, with or without ``/v1``.
        model: the name the server knows it by.
        tokenizer: directory or hub name of its tokenizer.
        seconds: after how many one request is given up.

    Raises:
        UsageError: ``base_url`` or ``api_key`` cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        tokenizer: str,
        convention: Convention,
        api_key: str | None,
        *,
        seconds: Callable[[], float],
    ) -> None:
        self._url = endpoint_url(base_url.rstrip("/").removesuffix("/v1"), "pooling")
        self._endpoint = Endpoint(str(self._url.with_user(None).with_query(None)), model, api_key)
        self._headers, self._proxy = bearer_headers(self._url, api_key), proxy_for(self._url)
        self._model, self._tokenizer, self._convention = model, tokenizer, convention
        self._seconds = seconds
        self._layout: StepLayout | None = None
        self._loading = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def probabilities(self, question: str, steps: Sequence[str]) -> list[float]:
        """For every step the probability that it is right.

        Raises:
            RewardError: the server cannot be reached, refuses, is too slow, or sends what are no probabilities.
        """
        layout = await self._load()
        ids, ends = layout.encode(question, steps)
        body = orjson.dumps(
            {"model": self._model, "task": "token_classify", "input": ids, "use_activation": True}
        )
        rows = self._rows(await self._post(body))
        return [self._right(rows[at]) for at in self._kept(len(rows), ids, ends, layout.tag_id)]

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _load(self) -> StepLayout:
        async with self._loading:
            if self._layout is None:
                self._layout = await asyncio.to_thread(_layout, self._convention, self._tokenizer)
        return self._layout

    async def _post(self, body: bytes) -> bytes:
        seconds = self._seconds()
        timeout = aiohttp.ClientTimeout(total=seconds)
        try:
            session = await self._open()
            async with session.post(
                self._url, data=body, timeout=timeout, proxy=self._proxy, allow_redirects=False
            ) as response:
                status, headers, told = response.status, response.headers, await response.read()
        except TimeoutError as error:
            raise RewardError(f"{self._endpoint.url} did not answer within {seconds:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise RewardError(str(transport_error(self._endpoint, error, seconds))) from error
        if status != 200:
            refusal: ModelError = status_error(self._endpoint, status, headers, told)
            raise RewardError(str(refusal)) from refusal
        return told

    async def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._loop is not asyncio.get_running_loop():
            await self.close()
            self._loop = asyncio.get_running_loop()
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _rows(self, body: bytes) -> list[object]:
        try:
            (answer,) = orjson.loads(body)["data"]
            rows: Any = answer["data"]
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise RewardError(f"{self._endpoint.url} sent no pooling reply") from error
        if not isinstance(rows, list):
            raise RewardError(f"{self._endpoint.url} sent no list of rows")
        return cast("list[object]", rows)

    def _kept(self, rows: int, ids: list[int], ends: list[int], tag: int | None) -> list[int]:
        """Which rows are the steps'."""
        if rows == len(ids):
            return ends
        tags = [at for at, token in enumerate(ids) if token == tag]
        if rows == len(tags):
            return [tags.index(end) for end in ends]
        raise RewardError(
            f"{self._endpoint.url} sent {rows} rows for {len(ids)} tokens with {len(tags)} step tags; "
            "is its step pooler's step_tag_id the convention's?"
        )

    def _right(self, row: object) -> float:
        values: list[object] = cast("list[object]", row) if isinstance(row, list) else [row]
        numbers = [float(each) for each in values if isinstance(each, int | float) and math.isfinite(each)]
        if len(numbers) < len(values):
            raise RewardError(f"{self._endpoint.url} sent what is no finite number")
        if len(numbers) not in (1, 2):
            raise RewardError(
                f"{self._endpoint.url} sent {len(numbers)} numbers a token, a PRM has 1 or 2; "
                "are these hidden states, or is returned_token_ids missing?"
            )
        if not all(0.0 <= each <= 1.0 for each in numbers):
            raise RewardError(f"{self._endpoint.url} sent numbers that are no probabilities")
        if len(numbers) == 2 and abs(sum(numbers) - 1.0) > _ROUNDING:
            raise RewardError(f"{self._endpoint.url} sent two numbers that do not add up to 1")
        return round(numbers[self._convention.right if len(numbers) == 2 else 0], 4)


def _layout(convention: Convention, tokenizer: str) -> StepLayout:
    from transformers import AutoTokenizer

    loader: Any = AutoTokenizer
    try:
        loaded = loader.from_pretrained(tokenizer, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise RewardError(f"the tokenizer {tokenizer} cannot be loaded: {reason}") from error
    return StepLayout(convention, loaded)
