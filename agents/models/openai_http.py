"""Any OpenAI-compatible chat-completions server (``vllm serve`` first), spoken over plain aiohttp and orjson.

The openai SDK costs 1–3 ms of CPU a call and grows with the history, for it validates every message again;
this costs a fraction of a millisecond whatever the history.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any, Literal

import aiohttp
import orjson
from autogen_core.models import ModelFamily, ModelInfo

from longthought.agents.errors import RetryableError
from longthought.agents.models.contract import Message, Model, Reply, Sampling, ToolMessage
from longthought.agents.models.wire_address import bearer_headers, endpoint_url, proxy_for
from longthought.agents.models.wire_errors import (
    Endpoint,
    error_message,
    is_context_length,
    status_error,
    transport_error,
)
from longthought.agents.models.wire_replies import read_replies

#: ``auto``: constrain replies until the server refuses; ``regex``: always; ``off``: never.
Structured = Literal["auto", "regex", "off"]

#: Seconds an idle connection is kept: less than uvicorn's 5, so that the server never hangs up first.
_KEEP_ALIVE = 4.0
_CONNECT_TIMEOUT = 30.0
#: aiohttp wants bodies above this many bytes as a file.
_LARGE = 1 << 20

_NO_CONSTRAINTS = re.compile(
    r"structured|guided|grammar|regex|extra_forbidden|extra (?:inputs|fields)"
    r"|un(?:known|recognized|supported) (?:request )?(?:argument|parameter|field|name|key)",
    re.IGNORECASE,
)
_NO_NATIVE_N = re.compile(r"(?<![\w.])n(?![\w.])")

_log = logging.getLogger(__name__)


class OpenAIModel(Model):
    """One model at one server. All debates share one engine and its connections.

    Args:
        model: the name the server knows it by.
        base_url: the address up to and including ``/v1``.
        api_key: sent as a bearer token; kept out of every error text.
        name: what transcripts call it; the model's name by default.
        attempt_timeout: seconds after which one attempt is given up.
        structured: whether ``Sampling.regex`` and ``.choice`` go out as vLLM's ``structured_outputs``.
        extra_body: further fields of every request; None as a value takes a field out
            (``{"max_tokens": None, "max_completion_tokens": 512}``).

    Raises:
        UsageError: ``base_url`` or ``api_key`` cannot be used.
    """

    def __init__(
        self,
        model: str,
        base_url: str,
        api_key: str | None = None,
        *,
        name: str | None = None,
        attempt_timeout: float = 600.0,
        structured: Structured = "auto",
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(name or model)
        self._model = model
        #: Where requests go.
        self.url = endpoint_url(base_url, "chat", "completions")
        shown = str(self.url.with_user(None).with_query(None))
        self._endpoint = Endpoint(shown, model, api_key)
        self._headers = bearer_headers(self.url, api_key)
        self._proxy = proxy_for(self.url)
        self._attempt_timeout = attempt_timeout
        self._structured: Structured = structured
        self._constrain = structured != "off"
        self._native_n = True
        self._extra = {key: value for key, value in (extra_body or {}).items() if value is not None}
        self._dropped = [key for key, value in (extra_body or {}).items() if value is None]
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def sample(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int = 1
    ) -> list[Reply]:
        """One attempt. What the server proves not to know (``n``, constraints) it is not asked for again."""
        if n > 1 and not self._native_n:
            return await self._singly(messages, sampling, range(n))
        constrained = self._constrain and bool(sampling.choice or sampling.regex)
        status, headers, body = await self._post(self._request(messages, sampling, n, constrained))
        if status != 200:
            if self._can_do_without(status, body, n, constrained):
                return await self.sample(messages, sampling, n)
            raise status_error(self._endpoint, status, headers, body)
        replies = read_replies(self._endpoint, body, n)
        if len(replies) == n:
            return replies
        if len(replies) > 1:
            raise RetryableError(f"{self._endpoint.url} sent {len(replies)} choices where {n} were asked for")
        self._native_n = False
        return replies + await self._singly(messages, sampling, range(1, n))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def model_info(self) -> ModelInfo:
        return ModelInfo(
            vision=False,
            function_calling=True,
            json_output=False,
            structured_output=False,
            family=ModelFamily.UNKNOWN,
        )

    def _request(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int, constrained: bool
    ) -> bytes:
        body: dict[str, Any] = {
            "model": self._model,
            # As dictionaries, which orjson writes ten times faster than dataclasses with slots.
            "messages": [
                {"role": m.role, "content": m.content} if isinstance(m, Message) else m.wire for m in messages
            ],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
        }
        if n > 1:
            body["n"] = n
        if sampling.seed is not None:
            body["seed"] = sampling.seed
        if sampling.stop:
            body["stop"] = sampling.stop
        if sampling.logprobs:
            body["logprobs"] = True
        if sampling.tools:
            body["tools"] = sampling.tools
            if sampling.tool_choice == "required":
                body["tool_choice"] = "required"
            elif sampling.tool_choice != "auto":
                body["tool_choice"] = {"type": "function", "function": {"name": sampling.tool_choice}}
        if constrained:  # the server takes one constraint at a time, and a choice is the tighter one
            body["structured_outputs"] = (
                {"choice": sampling.choice} if sampling.choice else {"regex": sampling.regex}
            )
        body.update(self._extra)
        for key in self._dropped:
            body.pop(key, None)
        return orjson.dumps(body)

    async def _post(self, request: bytes) -> tuple[int, Mapping[str, str], bytes]:
        session = self._session
        if session is None or self._loop is not asyncio.get_running_loop():
            session = await self._open()
        data = request if len(request) < _LARGE else BytesIO(request)
        try:
            async with session.post(self.url, data=data, allow_redirects=False) as response:
                return response.status, response.headers, await response.read()
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise transport_error(self._endpoint, error, self._attempt_timeout) from error

    async def _open(self) -> aiohttp.ClientSession:
        old, self._session = self._session, None
        if old is not None:  # its loop has ended: one engine, two calls of asyncio.run
            await old.close()
        self._loop = asyncio.get_running_loop()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            proxy=self._proxy,
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept"),
            timeout=aiohttp.ClientTimeout(
                total=self._attempt_timeout, sock_connect=min(_CONNECT_TIMEOUT, self._attempt_timeout)
            ),
        )
        return self._session

    def _can_do_without(self, status: int, body: bytes, n: int, constrained: bool) -> bool:
        """Whether the server refused something of ours that it can be asked without; it is remembered."""
        words = error_message(body)
        if status not in (400, 422) or is_context_length(words):
            return False
        if constrained and self._structured == "auto" and _NO_CONSTRAINTS.search(words):
            if self._constrain:
                refusal = self._endpoint.quote(words)
                _log.warning("%s: replies go unconstrained, for it says: %s", self._endpoint.url, refusal)
            self._constrain = False
            return True
        if n > 1 and _NO_NATIVE_N.search(words):
            self._native_n = False
            return True
        return False

    async def _singly(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, which: range
    ) -> list[Reply]:
        # Seeds differ as they do in vLLM's own n, else all replies would be the same.
        seeds = [None if sampling.seed is None else sampling.seed + i for i in which]
        tasks = [
            asyncio.create_task(self.sample(messages, replace(sampling, seed=seed), 1)) for seed in seeds
        ]
        try:
            return [reply for (reply,) in await asyncio.gather(*tasks)]
        finally:
            for task in tasks:
                task.cancel()
