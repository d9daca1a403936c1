"""A real chat-completions server on the loopback interface, for tests and benchmarks: replies are scripted.

``python -m longthought.agents.models.loopback --latency 0.2`` prints its base URL first, then serves.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self

import orjson
from aiohttp import web

from longthought.agents.models.contract import Reply, Usage
from longthought.agents.models.loopback_faults import Fault, error_response, json_response, misbehave

#: From the request's JSON to what is said. Called once per choice.
Script = Callable[[dict[str, Any]], "str | Reply | Fault"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came in."""

    body: dict[str, Any]
    authorization: str | None


class LoopbackServer:
    """An async context manager: ``async with LoopbackServer(script) as server: … server.base_url``.

    Tokens are counted as white-space separated words.

    Args:
        script: what to say; it sees the request's JSON.
        latency: seconds before each answer.
        port: 0 takes a free one.
        models: names it serves; a request for another gets a 404.
        api_key: the key it asks for, if any.
        native_n: whether it answers ``n > 1`` with as many choices (else with one).
        structured: what it does with ``structured_outputs``: ``honour`` a choice (no regex), ``ignore`` all,
            or ``refuse`` with a 400.
        max_model_len: prompt plus ``max_tokens`` above this many tokens is a 400.
        lists_length: whether ``/v1/models`` tells ``max_model_len``, as vLLM does.
        reasoning_field: the name under which a reply's reasoning travels.
        keep_requests: whether ``requests`` grows.
    """

    def __init__(
        self,
        script: Script,
        *,
        latency: float = 0.0,
        port: int = 0,
        models: tuple[str, ...] = ("loopback",),
        api_key: str | None = None,
        native_n: bool = True,
        structured: Literal["honour", "ignore", "refuse"] = "honour",
        max_model_len: int = 32768,
        lists_length: bool = True,
        reasoning_field: str = "reasoning",
        keep_requests: bool = True,
    ) -> None:
        self._script, self._latency, self._port, self._models = script, latency, port, models
        self._api_key, self._native_n, self._structured = api_key, native_n, structured
        self._max_model_len, self._lists_length = max_model_len, lists_length
        self._reasoning_field, self._keep_requests = reasoning_field, keep_requests
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None
        #: Chat requests in the order they came.
        self.requests: list[Seen] = []
        #: The address for ``OpenAIModel``, known once the server runs.
        self.base_url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._list)
        app.router.add_get("/health", self._health)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=1024)
        await site.start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _health(self, request: web.Request) -> web.Response:
        return web.Response()

    async def _list(self, request: web.Request) -> web.Response:
        if refusal := self._refuse_key(request):
            return refusal
        length = {"max_model_len": self._max_model_len} if self._lists_length else {}
        rows = [{"id": name, "object": "model", **length} for name in self._models]
        return json_response({"object": "list", "data": rows})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        due = time.monotonic() + self._latency
        body: dict[str, Any] = orjson.loads(await request.read())
        if self._keep_requests:
            self.requests.append(Seen(body, request.headers.get("Authorization")))
        answer = self._refuse_key(request) or self._refuse(body) or self._answer(body)
        if self._latency:  # what it took to find the answer is part of it
            await asyncio.sleep(due - time.monotonic())
        return await misbehave(request, answer, self._closing) if isinstance(answer, Fault) else answer

    def _answer(self, body: dict[str, Any]) -> web.Response | Fault:
        said = [self._say(body) for _ in range(body.get("n", 1) if self._native_n else 1)]
        faults = [one for one in said if isinstance(one, Fault)]
        replies = [one for one in said if isinstance(one, Reply)]
        return faults[0] if faults else json_response(self._completion(body, replies))

    def _refuse_key(self, request: web.Request) -> web.Response | None:
        if self._api_key is None or request.headers.get("Authorization") == f"Bearer {self._api_key}":
            return None
        sent = request.headers.get("Authorization", "nothing")
        return error_response(401, f"Incorrect API key provided: {sent}", "invalid_api_key")

    def _refuse(self, body: dict[str, Any]) -> web.Response | None:
        if body["model"] not in self._models:
            return error_response(404, f"The model `{body['model']}` does not exist.", "NotFoundError")
        if self._structured == "refuse" and "structured_outputs" in body:
            return error_response(
                400, "Unrecognized request argument supplied: structured_outputs", "BadRequestError"
            )
        if _words(body) + body.get("max_tokens", 1) > self._max_model_len:
            limit = f"This model's maximum context length is {self._max_model_len} tokens."
            return error_response(400, f"{limit} However, your request is longer.", "context_length_exceeded")
        return None

    def _say(self, body: dict[str, Any]) -> Reply | Fault:
        said = self._script(body)
        if isinstance(said, Fault):
            return said
        reply = said if isinstance(said, Reply) else Reply(said)
        constraint: dict[str, Any] = body.get("structured_outputs") or {}
        choices: list[str] = constraint.get("choice") or []
        if choices and self._structured == "honour" and reply.text not in choices:
            return Reply(choices[0], reply.finish, reply.usage, reply.reasoning)
        return reply

    def _completion(self, body: dict[str, Any], replies: list[Reply]) -> dict[str, Any]:
        told = [reply.usage for reply in replies if reply.usage != Usage()]
        usage = told[0] if told else Usage(_words(body), sum(len(r.text.split()) for r in replies))
        return {
            "id": "chatcmpl-loopback",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [self._choice(i, reply) for i, reply in enumerate(replies)],
            "usage": {
                "prompt_tokens": usage.prompt,
                "completion_tokens": usage.completion,
                "total_tokens": usage.prompt + usage.completion,
                "prompt_tokens_details": {"cached_tokens": usage.cached},
            },
        }

    def _choice(self, index: int, reply: Reply) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": reply.text}
        if reply.reasoning is not None:
            message[self._reasoning_field] = reply.reasoning
        if reply.tool_calls:
            message |= {"content": reply.text or None, "tool_calls": reply.tool_calls}
        choice: dict[str, Any] = {"index": index, "message": message, "finish_reason": reply.finish}
        if reply.token_ids is not None:
            choice["token_ids"] = reply.token_ids
        if reply.logprobs is not None:
            choice["logprobs"] = {"content": [{"token": "", "logprob": p} for p in reply.logprobs]}
        return choice


def _words(body: dict[str, Any]) -> int:
    return sum(len(str(message.get("content") or "").split()) for message in body["messages"])


async def _serve(latency: float, port: int, reply: str) -> None:
    async with LoopbackServer(lambda _: reply, latency=latency, port=port, keep_requests=False) as server:
        print(server.base_url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted; the first line printed is the base URL."""
    parser = argparse.ArgumentParser(prog="python -m longthought.agents.models.loopback", description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--reply", default="A step.", help="what every reply says")
    given = parser.parse_args()
    try:
        asyncio.run(_serve(given.latency, given.port, given.reply))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
