"""The body of a 200 from a chat-completions server as replies; what is not whole is an error, not a guess."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

import orjson

from longthought.agents.errors import ContextLengthError
from longthought.agents.models.contract import Finish, Reply, Usage
from longthought.agents.models.wire_errors import Endpoint, error_message, is_context_length, protocol_error
from longthought.agents.whole_text import whole_json

#: Finish reasons after which the text is a step. After abort, repetition, content_filter, … it is not.
_FINISH: dict[object, Finish] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}


def read_replies(endpoint: Endpoint, body: bytes, n: int) -> list[Reply]:
    """At most ``n`` replies, in the order of their index; there may be fewer.

    Raises:
        RetryableError: the body is no whole chat completion.
        ContextLengthError: an error body in a 200 speaks of the context length.
    """
    choices, usage = _choices(endpoint, body)
    if len(choices) > 1:
        choices = sorted(choices, key=lambda choice: _count(choice, "index"))[:n]
    replies = [_reply(endpoint, choice) for choice in choices]
    details = usage.get("prompt_tokens_details")
    cached = _count(cast(dict[str, Any], details), "cached_tokens") if isinstance(details, dict) else 0
    completion = _shares(_count(usage, "completion_tokens"), replies)
    prompt = _count(usage, "prompt_tokens")
    return [
        Reply(
            reply.text,
            reply.finish,
            Usage(prompt if i == 0 else 0, completion[i], cached if i == 0 else 0),
            reply.reasoning,
            reply.token_ids,
            reply.logprobs,
            reply.tool_calls,
        )
        for i, reply in enumerate(replies)
    ]


def _choices(endpoint: Endpoint, body: bytes) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    try:
        data: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        data = _half_characters(endpoint, body)
    if not isinstance(data, dict):
        raise protocol_error(endpoint, "JSON that is no object")
    fields = cast(dict[str, Any], data)
    choices: Any = fields.get("choices")
    if not isinstance(choices, list) or not choices:
        if fields.get("error"):
            words = error_message(body)
            if is_context_length(words):
                raise ContextLengthError(f"{endpoint.model} at {endpoint.url}: {endpoint.quote(words)}")
            raise protocol_error(endpoint, f"an error in a 200: {words}")
        raise protocol_error(endpoint, "a reply without choices")
    rows = cast("list[object]", choices)
    if not all(isinstance(row, dict) for row in rows):
        raise protocol_error(endpoint, "choices that are no objects")
    usage: Any = fields.get("usage")
    return cast("list[dict[str, Any]]", rows), cast(dict[str, Any], usage) if isinstance(usage, dict) else {}


def _half_characters(endpoint: Endpoint, body: bytes) -> Any:
    """JSON that is whole but for its characters, which orjson refuses and Python's own reader does not."""
    try:
        return whole_json(json.loads(body.decode(errors="replace")))
    except (ValueError, RecursionError) as error:
        raise protocol_error(endpoint, _not_json(body)) from error


def _not_json(body: bytes) -> str:
    start = body[:200].lstrip().lower()
    if not start:
        return "an empty reply"
    return "HTML instead of JSON" if start.startswith(b"<") else "broken JSON"


def _reply(endpoint: Endpoint, choice: dict[str, Any]) -> Reply:
    said = choice.get("message")
    if not isinstance(said, dict):
        raise protocol_error(endpoint, "a choice without a message")
    message = cast(dict[str, Any], said)
    reason: Any = choice.get("finish_reason")
    finish = _FINISH.get(reason) if isinstance(reason, str) else None
    if finish is None:
        # A filter or an abort, which the same dice are likely to meet again.
        raise protocol_error(endpoint, f"a reply that ended with finish_reason {reason!r}", attempts=2)
    calls = _tool_calls(endpoint, message)
    reasoning: Any = message.get("reasoning") or message.get("reasoning_content")
    if not isinstance(reasoning, str):
        reasoning = None
    text: Any = message.get("content")
    if text is None and (calls or (finish == "length" and reasoning)):
        text = ""  # tools asked for, or cut off while still thinking: both are whole replies without text
    if not isinstance(text, str):
        raise protocol_error(endpoint, "a reply without content")
    return Reply(
        text,
        "tool_calls" if calls and finish == "stop" else finish,
        reasoning=cast(str | None, reasoning),
        token_ids=_token_ids(choice),
        logprobs=_logprobs(choice),
        tool_calls=calls,
    )


def _tool_calls(endpoint: Endpoint, message: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    asked: Any = message.get("tool_calls")
    if not asked:
        return ()
    try:
        calls = tuple(
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["function"]["name"], "arguments": call["function"]["arguments"]},
            }
            for call in asked
        )
    except (KeyError, TypeError) as error:
        raise protocol_error(endpoint, "a tool call without id, name or arguments") from error
    return calls


def _token_ids(choice: dict[str, Any]) -> tuple[int, ...] | None:
    ids: Any = choice.get("token_ids")
    return tuple(cast(list[int], ids)) if isinstance(ids, list) else None


def _logprobs(choice: dict[str, Any]) -> tuple[float, ...] | None:
    found: Any = choice.get("logprobs")
    rows: Any = cast(dict[str, Any], found).get("content") if isinstance(found, dict) else None
    try:
        return None if rows is None else tuple(float(row["logprob"]) for row in rows)
    except (KeyError, TypeError, ValueError):
        return None  # nothing that is needed to go on


def _shares(total: int, replies: Sequence[Reply]) -> list[int]:
    """The completion tokens of each reply: as counted where ids or logprobs tell, else all on the first."""
    known = [reply.token_ids or reply.logprobs for reply in replies]
    if len(replies) > 1 and all(known):
        shares = [len(tokens or ()) for tokens in known]
        shares[0] += total - sum(shares)  # an end token may be counted in the one and not in the other
        if shares[0] >= 0:
            return shares
    return [total] + [0] * (len(replies) - 1)


def _count(fields: dict[str, Any], key: str) -> int:
    value: Any = fields.get(key)
    return value if isinstance(value, int) and value > 0 else 0
