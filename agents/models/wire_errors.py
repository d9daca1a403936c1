"""What a chat-completions server did wrong, as one of our errors: here it is decided what is worth a retry.

================================================  ===================
408, 409, 425, 429, 5xx, resets, timeouts,        RetryableError, with the server's ``Retry-After``
a reply that is no chat completion
400, 413, 422 that speak of the context length    ContextLengthError
400, 422 that speak of no key, credit or model    RefusedError
anything else (401, 403, 404, other 4xx, 3xx)     FatalModelError
================================================  ===================
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, cast

import aiohttp
import orjson

from longthought.agents.errors import (
    ContextLengthError,
    FatalModelError,
    ModelError,
    RefusedError,
    RetryableError,
)

#: Longest piece of a server's own words that an error carries, in characters.
QUOTE = 300

_RETRYABLE = frozenset({408, 409, 425, 429})
_CONTEXT_STATUS = frozenset({400, 413, 422})
_CONTEXT_WORDS = re.compile(
    r"context[ _](?:length|size|window)|context_length_exceeded|maximum model length"
    r"|(?:prompt|input) is too long|too many (?:input )?tokens|reduce the length of",
    re.IGNORECASE,
)
_REFUSED_STATUS = frozenset({400, 422})
#: What every request would be refused for.
_WHOEVER_ASKS = re.compile(
    r"api[ _-]?key|credit|quota|billing|model_not_found|model\b[^.]{0,80}(?:does not exist|not found)",
    re.IGNORECASE,
)
_KEYS = re.compile(r"\bsk-[\w-]{8,}|(?<=Bearer )\S+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Who was asked, for the texts of errors. It knows the key only to keep it out of them."""

    url: str
    model: str
    secret: str | None = field(default=None, repr=False)

    def quote(self, text: str) -> str:
        """A server's words on one line: no key, no control characters, at most ``QUOTE`` characters."""
        if self.secret:
            text = text.replace(self.secret, "[key]")
        text = _UNPRINTABLE.sub(" ", _KEYS.sub("[key]", text)).strip()
        return text if len(text) <= QUOTE else text[:QUOTE] + "…"


def status_error(endpoint: Endpoint, status: int, headers: Mapping[str, str], body: bytes) -> ModelError:
    """The error that a reply with a status other than 200 stands for."""
    words = error_message(body)
    said = f": {quoted}" if (quoted := endpoint.quote(words)) else ""
    if status in _CONTEXT_STATUS and is_context_length(words):
        return ContextLengthError(f"{endpoint.model} at {endpoint.url}: the prompt is too long{said}")
    if status == 413:
        return ContextLengthError(f"{endpoint.model} at {endpoint.url}: the request is too large{said}")
    if status == 429 and "insufficient_quota" in words:
        return FatalModelError(f"{endpoint.url}: the account has no credit left for {endpoint.model}{said}")
    if status in _RETRYABLE or status >= 500:
        return RetryableError(f"{endpoint.url} answered {status}{said}", retry_after(headers))
    if status in _REFUSED_STATUS and not _WHOEVER_ASKS.search(words):
        return RefusedError(f"{_what_to_do(endpoint, status)}{said}")
    return FatalModelError(f"{_what_to_do(endpoint, status)}{said}")


def transport_error(endpoint: Endpoint, error: Exception, attempt_timeout: float) -> ModelError:
    """The error that a request without a whole reply stands for."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return FatalModelError(
            f"{endpoint.url}: its TLS certificate is not trusted: {endpoint.quote(str(error))}"
        )
    if isinstance(error, TimeoutError):
        return RetryableError(f"{endpoint.url} did not answer within --attempt-timeout {attempt_timeout:g} s")
    if isinstance(error, aiohttp.ClientConnectorError):
        return RetryableError(f"{endpoint.url} cannot be reached: {endpoint.quote(str(error.os_error))}")
    words = endpoint.quote(words_of(error)) or type(error).__name__
    return RetryableError(f"{endpoint.url} broke the connection: {words}")


def words_of(error: Exception) -> str:
    """What aiohttp says of an error, without the address that it quotes: a proxy's has its password in it."""
    return f"{error.status} {error.message}" if isinstance(error, aiohttp.ClientResponseError) else str(error)


def protocol_error(endpoint: Endpoint, what: str, attempts: int | None = None) -> RetryableError:
    """A 200 that is no chat completion; ``what`` says what came instead, ``attempts`` how many are worth it."""
    return RetryableError(f"{endpoint.url} sent {endpoint.quote(what)}", attempts=attempts)


def is_context_length(words: str) -> bool:
    """Whether a server's complaint is that the prompt (with ``max_tokens``) does not fit."""
    return _CONTEXT_WORDS.search(words) is not None


def error_message(body: bytes) -> str:
    """The server's own words in an error body of OpenAI's, vLLM's or FastAPI's shape, else all of it."""
    try:
        data: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")
    if not isinstance(data, dict):
        return str(data)
    fields = cast(dict[str, Any], data)
    inner: Any = fields.get("error") or fields.get("detail") or fields.get("message") or fields
    if isinstance(inner, dict):
        details = cast(dict[str, Any], inner)
        code: Any = details.get("code")  # a number only repeats the status
        parts = [details.get("message"), code if isinstance(code, str) else None]
        return " ".join(str(part) for part in parts if part) or str(details)
    return str(inner)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that ``Retry-After`` asks for, as seconds or as an HTTP date; None when it asks for nothing."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return seconds if seconds > 0 and math.isfinite(seconds) else None


def _what_to_do(endpoint: Endpoint, status: int) -> str:
    url, model = endpoint.url, endpoint.model
    match status:
        case 401:
            key = "the API key it was sent" if endpoint.secret else "a request without an API key"
            return f"{url} refused {key} (401); give the right one for model {model}"
        case 403:
            return f"{url} forbids model {model} to this API key (403); use another key or model"
        case 404:
            return f"{url} knows no model {model}, or base_url is wrong (404); it usually ends in /v1"
        case _ if 300 <= status < 400:
            return f"{url} redirects requests for {model} ({status}); put the final address into base_url"
        case _:
            return f"{url} refused the request for model {model} ({status})"
