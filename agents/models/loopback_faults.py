"""The faults that ``LoopbackServer`` can commit instead of answering: what real servers do on bad days."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from aiohttp import web

FaultKind = Literal[
    "status",
    "context",
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
]

_CONTEXT = "This model's maximum context length is 1 tokens. However, your request is longer."


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do instead of answering.

    ``status``, ``message`` and ``retry_after`` (the header as it is sent) go with the kind ``status``,
    the first two also with ``error_in_200``; ``finish`` is the finish reason that the kind ``finish`` sends.
    """

    kind: FaultKind
    status: int = 500
    retry_after: str | None = None
    message: str = "scripted fault"
    finish: str = "abort"


async def misbehave(request: web.Request, fault: Fault, closing: asyncio.Event) -> web.StreamResponse:
    """Commit ``fault``. A hang lasts until ``closing`` is set."""
    match fault.kind:
        case "status":
            return error_response(fault.status, fault.message, "scripted", fault.retry_after)
        case "context":
            return error_response(400, _CONTEXT, "context_length_exceeded")
        case "hang":
            await closing.wait()
            return web.Response(status=503)
        case "reset":
            return _reset(request)
        case "short_body":
            return await _short_body(request)
        case "html":
            return web.Response(text="<html><body>Bad gateway</body></html>", content_type="text/html")
        case "empty":
            return web.Response(content_type="application/json")
        case "broken_json":
            return web.Response(body=b'{"choices": [{"mess', content_type="application/json")
        case "error_in_200":
            return json_response({"error": {"message": fault.message, "code": fault.status}})
        case "no_choices":
            return json_response({"object": "chat.completion", "choices": []})
        case "null_content":
            return _one_choice(None, "stop")
        case "finish":
            return _one_choice("cut", fault.finish)


def json_response(data: dict[str, Any]) -> web.Response:
    """A 200 with ``data`` as its body."""
    return web.Response(body=orjson.dumps(data), content_type="application/json")


def error_response(status: int, message: str, code: str, retry_after: str | None = None) -> web.Response:
    """An error in OpenAI's shape."""
    body = orjson.dumps({"error": {"message": message, "code": code}})
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def _one_choice(content: str | None, finish: str) -> web.Response:
    message = {"role": "assistant", "content": content}
    return json_response({"choices": [{"index": 0, "message": message, "finish_reason": finish}]})


def _reset(request: web.Request) -> web.Response:
    if request.transport is not None:
        # Closing a socket that does not linger sends a reset instead of an orderly end.
        linger = struct.pack("ii", 1, 0)
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        request.transport.abort()
    return web.Response()


async def _short_body(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"choices": [')
    if request.transport is not None:
        request.transport.close()
    return response
