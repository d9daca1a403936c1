"""What is checked before anything is spent: servers, keys, model names, and the limit of open files."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Iterable, Mapping
from typing import Any, cast

from longthought.agents.errors import RunError, UsageError
from longthought.agents.models.wire_errors import words_of
from longthought.scenarios.engines import api_key_of
from longthought.scenarios.model_spec import ModelSpec

#: Seconds to wait for a server's list of models.
TIMEOUT = 15.0
#: Files that a process has open beside its connections.
_OTHER_FILES = 100


async def check_servers(specs: Mapping[str, ModelSpec], used: Iterable[str]) -> None:
    """Ask each server that the run will use for its models, once.

    Raises:
        RunError: it cannot be reached, refuses the key, or does not know the model.
        UsageError: the key is missing.
    """
    servers = {name: specs[name] for name in used if specs[name].engine == "openai"}
    for found in await asyncio.gather(*(_check(name, spec) for name, spec in servers.items())):
        if found:
            raise RunError(found)


def check_open_files(max_connections: int) -> None:
    """Raise the limit of open files to what so many connections need, as far as the system lets it.

    Raises:
        UsageError: it does not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = max_connections + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= need:
        return
    if hard != resource.RLIM_INFINITY and hard < need:
        raise UsageError(
            f"--max-connections {max_connections}: needs {need} open files, the system allows {hard}; "
            f"at most {max(1, hard - _OTHER_FILES)}, or raise it with `ulimit -n`"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))


async def _check(name: str, spec: ModelSpec) -> str:
    """What is wrong with one server, or nothing. One that lists no models is left to the first request."""
    import aiohttp

    key = api_key_of(name, spec)
    url = f"{(spec.base_url or '').rstrip('/')}/models"
    at = f"models.{name}.base_url: {url}"
    try:
        status, body = await _get(url, key)
    except TimeoutError:
        return f"{at} did not answer within {TIMEOUT:.0f} s; is the server still starting?"
    except aiohttp.ClientConnectorError as error:
        reason = os.strerror(error.errno) if error.errno else str(error.os_error)
        return f"{at} cannot be reached ({reason}); start the server or correct the address"
    except (aiohttp.ClientError, OSError) as error:
        return f"{at} cannot be reached ({words_of(error)}); start the server or correct the address"
    if status in (401, 403):
        hint = f"check the key in {spec.api_key_env}" if key else "name the key's variable in api_key_env"
        return f"models.{name}: {url} refuses the request ({status}); {hint}"
    if status != 200:
        return ""
    ids = _ids(body)
    if ids is None:
        return f"{at} is no OpenAI-compatible server (it lists no models); the address usually ends in /v1"
    if ids and spec.model not in ids:
        shown = ", ".join(ids[:8]) + (", …" if len(ids) > 8 else "")
        return f"models.{name}.model: the server knows no {spec.model!r}; it has {shown}"
    return ""


async def _get(url: str, key: str | None) -> tuple[int, bytes]:
    import aiohttp

    headers = {"Authorization": f"Bearer {key}"} if key else {}
    local = any(f"//{host}" in url for host in ("127.0.0.1", "localhost", "[::1]"))
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=not local) as session,
        # A redirect could carry the key to another host.
        session.get(url, headers=headers, allow_redirects=False) as response,
    ):
        return response.status, await response.read()


def _ids(body: bytes) -> list[str] | None:
    import orjson

    try:
        rows: Any = orjson.loads(body)["data"]
        return [str(cast("dict[str, Any]", row)["id"]) for row in rows]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
