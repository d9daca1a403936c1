"""A real vLLM as a server of its own on 127.0.0.1, for benchmarks and for the tests marked ``vllm``."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

#: The name that the model is served by.
SERVED = "served"

# A server that asks nobody outside, and whose cache (GiB) leaves the machine to others.
_ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}
#: Seconds to end in peace.
_GRACE = 20.0

_open = build_opener(ProxyHandler({})).open


@contextmanager
def vllm_server(model: Path, log: Path, *flags: str, start_within: float = 600.0) -> Generator[str]:
    """Serve ``model`` (a directory) until the block ends; gives the address up to and including ``/v1``.

    The module is started rather than the command ``vllm``, which looks up the version of a package of that name, and
    there is none where ``vllm-cpu`` is installed. Prompts are computed whole: on a CPU one with a seed that is computed
    in pieces ends the engine (seen with vLLM 0.32).

    Args:
        log: the file that the server's output goes to.
        flags: further flags of ``vllm serve``.
        start_within: seconds; loading takes half a minute on two idle cores.

    Raises:
        RuntimeError: it ended or was not ready in time; the message holds the end of its log.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "vllm.entrypoints.openai.api_server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    command += ["--model", str(model), "--served-model-name", SERVED, "--dtype", "float32", "--enforce-eager"]
    command += ["--enable-prefix-caching", "--no-enable-chunked-prefill", *flags]
    with log.open("wb") as output:
        # A session of its own: the engine is a child of the server and must go with it.
        server = subprocess.Popen(
            command, stdout=output, stderr=output, env=os.environ | _ENVIRONMENT, start_new_session=True
        )
        try:
            _wait(server, f"http://127.0.0.1:{port}/health", log, start_within)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            _end(server)


def prefix_cache_tokens(base_url: str) -> tuple[int, int]:
    """Prompt tokens looked up in the prefix cache and found there since the server's start, from its ``/metrics``."""
    text = _metrics(base_url)

    def total(name: str) -> int:
        return int(sum(map(float, re.findall(rf"^vllm:{name}_total\{{.*\}} (\S+)$", text, re.MULTILINE))))

    return total("prefix_cache_queries"), total("prefix_cache_hits")


def cache_block_size(base_url: str) -> int:
    """Tokens in one block of the prefix cache, of which only whole ones are found again."""
    found = re.search(r'^vllm:cache_config_info\{.*?block_size="(\d+)"', _metrics(base_url), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{base_url}: its /metrics tell no block size")
    return int(found[1])


def _metrics(base_url: str) -> str:
    with _open(f"{base_url.removesuffix('/v1')}/metrics", timeout=30) as page:
        return str(page.read(), "utf-8")


def _wait(server: subprocess.Popen[bytes], health: str, log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"vLLM ended with {server.returncode}:\n{_tail(log)}")
        try:
            with _open(health, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"vLLM was not ready within {seconds:.0f} s:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-4000:]


def _end(server: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, sign)
            server.wait(_GRACE)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
    server.wait()
