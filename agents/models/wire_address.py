"""Where an HTTP request goes: the endpoint's address, the key's header, the environment's proxy."""

from __future__ import annotations

from urllib.request import getproxies, proxy_bypass

from yarl import URL

from longthought.agents.errors import UsageError


def endpoint_url(base_url: str, *parts: str) -> URL:
    """The address below ``base_url``.

    Raises:
        UsageError: it is no address of a server.
    """
    try:
        url = URL(base_url.rstrip("/"))
        url.host.encode("idna") if url.host else b""
    except ValueError as error:
        raise UsageError(f"base_url {base_url!r}: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError(f"base_url {base_url!r}: should look like http://127.0.0.1:8000/v1")
    return url.joinpath(*parts)


def bearer_headers(url: URL, api_key: str | None) -> dict[str, str]:
    """Headers of a JSON request to ``url``, with the key if there is one.

    Raises:
        UsageError: the key is none that a header can carry, or the address brings a user's name along, too.
    """
    headers = {"Content-Type": "application/json"}
    if api_key:
        if not (api_key.isascii() and api_key.isprintable()):
            raise UsageError("the API key holds characters that no header can carry (a line break?)")
        if url.user is not None:
            raise UsageError(
                "base_url names a user, and there is an API key; a request can only carry one of them"
            )
        headers["Authorization"] = f"Bearer {api_key}"
    return headers


def proxy_for(url: URL) -> str | None:
    """The environment's proxy for ``url``, looked up once: aiohttp's ``trust_env`` would do so each time."""
    host = url.host or ""
    if host in ("localhost", "127.0.0.1", "::1") or proxy_bypass(host):
        return None
    return getproxies().get(url.scheme)
