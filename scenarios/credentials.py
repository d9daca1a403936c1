"""API keys from the environment, and the hosts that each may be sent to.

A scenario names the variable and the address, and scenarios are passed around: one that pairs somebody's
``OPENAI_API_KEY`` with an address of its own would make off with the key. So a key goes only to this machine, to its
own provider over https, and to the hosts that the user's own file binds it to::

    # ~/.config/longthought/credentials.yaml, or where LONGTHOUGHT_CREDENTIALS points
    OPENAI_API_KEY: [gateway.example.com]
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from longthought.agents.errors import UsageError
from longthought.agents.models.wire_address import endpoint_url

#: Whose key a variable holds by the habit of everyone.
PROVIDERS = {
    "ANTHROPIC_API_KEY": "api.anthropic.com",
    "DEEPSEEK_API_KEY": "api.deepseek.com",
    "FIREWORKS_API_KEY": "api.fireworks.ai",
    "GEMINI_API_KEY": "generativelanguage.googleapis.com",
    "GROQ_API_KEY": "api.groq.com",
    "HF_TOKEN": "router.huggingface.co",
    "MISTRAL_API_KEY": "api.mistral.ai",
    "OPENAI_API_KEY": "api.openai.com",
    "OPENROUTER_API_KEY": "openrouter.ai",
    "TOGETHER_API_KEY": "api.together.xyz",
    "XAI_API_KEY": "api.x.ai",
}

_BINDINGS = TypeAdapter(dict[str, list[str]])


def key_for(variable: str, base_url: str, where: str) -> str:
    """The key in an environment variable, if it may be sent to ``base_url``.

    Args:
        where: what names the variable, for error lines.

    Raises:
        UsageError: the variable is not set, or its key is not for that host; the line says what would make it so.
    """
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UsageError(
            f"{where}: the environment variable {variable} is not set; export it, "
            "or take the key api_key_env out if the server needs none"
        )
    # The same reading of the address as the client's, so that both see the same host.
    url = endpoint_url(base_url)
    host = (url.host or "").lower()
    own = url.scheme == "https" and host == PROVIDERS.get(variable)
    if not (own or _is_here(host) or host in _bound(variable)):
        raise UsageError(
            f"{where}: the key in {variable} is not for {host}; if you trust that host with it, put the line "
            f'{variable}: ["{host}"] into {credentials_file()}'
        )
    return key


def credentials_file() -> Path:
    """The user's own file, which need not exist."""
    if named := os.environ.get("LONGTHOUGHT_CREDENTIALS"):
        return Path(named).expanduser()
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "longthought" / "credentials.yaml"


def _is_here(host: str) -> bool:
    """Spelled as loopback; a name that merely resolves to it could resolve to something else next time."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bound(variable: str) -> list[str]:
    file = credentials_file()
    try:
        data: Any = yaml.safe_load(file.read_text("utf-8"))
        bindings = _BINDINGS.validate_python(data or {}, strict=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{file}: each line should look like OPENAI_API_KEY: [api.openai.com, gateway.example.com]"
        ) from error
    return [host.lower() for host in bindings.get(variable, ())]
