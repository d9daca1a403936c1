"""A real chat-completions server on the loopback interface, for tests and benchmarks: scripted replies, real faults.

python -m longthought.agents.models.loopback --latency 0.2 --port 0     prints its base URL, then serves
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self

import orjson
from aiohttp import web

from longthought.agents.models.contract import Reply, Usage

FaultKind = Literal[
    "status",
    "hang",
    "reset",
    "short_body",
    "html",
    "empty",
    "broken_json",
    "error_in_200",
    "no_choices",
    "null_content",
    "finish",
    "context",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do instead of answering.

    ``status`` and ``retry_after`` (the header as it is sent) and ``message`` go with the kind ``status``; ``finish`` is
    the finish reason sent with the kind ``finish``.
    """

    kind: FaultKind
    status: int = 500
    retry_after: str | None = None
    message: str = "scripted fault"
    finish: str = "abort"


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
        structured: what it does with ``structured_outputs``: ``honour`` a choice, ``ignore`` all, or ``refuse`` with a 400.
        max_model_len: prompt plus ``max_tokens`` above this many tokens is a 400.
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
        reasoning_field: str = "reasoning",
        keep_requests: bool = True,
    ) -> None:
        self._script, self._latency, self._port, self._models = script, latency, port, models
        self._api_key, self._native_n, self._structured = api_key, native_n, structured
        self._max_model_len, self._reasoning_field = max_model_len, reasoning_field
        self._keep_requests = keep_requests
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
        rows = [{"id": m, "object": "model", "max_model_len": self._max_model_len} for m in self._models]
        return _json({"object": "list", "data": rows})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body: dict[str, Any] = orjson.loads(await request.read())
        if self._keep_requests:
            self.requests.append(Seen(body, request.headers.get("Authorization")))
        if self._latency:
            await asyncio.sleep(self._latency)
        if refusal := self._refuse_key(request) or self._refuse(body):
            return refusal
        said = [self._say(body) for _ in range(body.get("n", 1) if self._native_n else 1)]
        for one in said:
            if isinstance(one, Fault):
                return await self._misbehave(request, one)
        return _json(self._completion(body, [one for one in said if isinstance(one, Reply)]))

    def _refuse_key(self, request: web.Request) -> web.Response | None:
        if self._api_key is None or request.headers.get("Authorization") == f"Bearer {self._api_key}":
            return None
        sent = request.headers.get("Authorization", "nothing")
        return _error(401, f"Incorrect API key provided: {sent}", "invalid_api_key")

    def _refuse(self, body: dict[str, Any]) -> web.Response | None:
        if body["model"] not in self._models:
            return _error(404, f"The model `{body['model']}` does not exist.", "NotFoundError")
        if self._structured == "refuse" and "structured_outputs" in body:
            return _error(
                400, "Unrecognized request argument supplied: structured_outputs", "BadRequestError"
            )
        if _words(body) + body.get("max_tokens", 1) > self._max_model_len:
            return self._too_long()
        return None

    def _too_long(self) -> web.Response:
        limit = f"This model's maximum context length is {self._max_model_len} tokens."
        return _error(400, f"{limit} However, your request is longer.", "context_length_exceeded")

    def _say(self, body: dict[str, Any]) -> Reply | Fault:
        said = self._script(body)
        if isinstance(said, Fault):
            return said
        reply = said if isinstance(said, Reply) else Reply(said)
        choices = (body.get("structured_outputs") or {}).get("choice")
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

    async def _misbehave(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        match fault.kind:
            case "status":
                return _error(fault.status, fault.message, "scripted", fault.retry_after)
            case "hang":
                await self._closing.wait()
                return web.Response(status=503)
            case "reset":
                return _reset(request)
            case "short_body":
                response = web.StreamResponse(headers={"Content-Length": "1000"})
                await response.prepare(request)
                await response.write(b'{"choices": [')
                return _hang_up(request, response)
            case "html":
                return web.Response(text="<html><body>Bad gateway</body></html>", content_type="text/html")
            case "empty":
                return web.Response(body=b"", content_type="application/json")
            case "broken_json":
                return web.Response(body=b'{"choices": [{"mess', content_type="application/json")
            case "error_in_200":
                return _json({"error": {"message": fault.message, "code": fault.status}})
            case "no_choices":
                return _json({"object": "chat.completion", "choices": []})
            case "null_content" | "finish":
                text = None if fault.kind == "null_content" else "cut"
                reason = "stop" if fault.kind == "null_content" else fault.finish
                message = {"role": "assistant", "content": text}
                return _json({"choices": [{"index": 0, "message": message, "finish_reason": reason}]})
            case "context":
                return self._too_long()


def _words(body: dict[str, Any]) -> int:
    return sum(len(str(message.get("content") or "").split()) for message in body["messages"])


def _json(data: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(data), content_type="application/json")


def _error(status: int, message: str, code: str, retry_after: str | None = None) -> web.Response:
    body = orjson.dumps({"error": {"message": message, "code": code}})
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def _reset(request: web.Request) -> web.Response:
    transport = request.transport
    if transport is not None:
        # Closing a socket that does not linger sends a reset instead of an orderly end.
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    return web.Response()


def _hang_up(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return response


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
