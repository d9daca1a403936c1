"""The loopback server behaves as a chat-completions server does, and can be run by itself."""

from __future__ import annotations

import asyncio
import sys
import time

import aiohttp
import pytest

from longthought.agents.errors import RetryableError
from longthought.agents.models.contract import Message, Sampling
from longthought.agents.models.loopback import LoopbackServer
from longthought.agents.models.loopback_faults import Fault
from longthought.agents.models.openai_http import OpenAIModel

ASK = [Message("user", "Next step?")]


async def test_it_answers_health_and_lists_its_models() -> None:
    async with LoopbackServer(lambda body: "x", models=("a", "b")) as server, aiohttp.ClientSession() as http:
        async with http.get(server.base_url.removesuffix("/v1") + "/health") as health:
            assert health.status == 200
        async with http.get(server.base_url + "/models") as models:
            rows = (await models.json())["data"]
    assert [row["id"] for row in rows] == ["a", "b"]
    assert rows[0]["max_model_len"] == 32768


async def test_latency_is_the_time_from_request_to_answer() -> None:
    async with LoopbackServer(lambda body: "x", latency=0.1) as server:
        model = OpenAIModel("loopback", server.base_url)
        started = time.monotonic()
        await model.sample(ASK, Sampling())
        assert time.monotonic() - started >= 0.1
        await model.close()


async def test_leaving_it_ends_what_hangs() -> None:
    async with LoopbackServer(lambda body: Fault("hang")) as server:
        model = OpenAIModel("loopback", server.base_url, attempt_timeout=0.05)
        with pytest.raises(RetryableError, match=r"--attempt-timeout 0\.05 s"):
            await model.sample(ASK, Sampling())
        await model.close()
        leaving = time.monotonic()
    assert time.monotonic() - leaving < 5


async def test_it_runs_as_a_program_that_prints_its_address_first() -> None:
    arguments = ["-m", "longthought.agents.models.loopback", "--reply", "Of course."]
    server = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    assert server.stdout is not None
    try:
        model = OpenAIModel("loopback", (await server.stdout.readline()).decode().strip())
        (reply,) = await model.sample(ASK, Sampling())
        await model.close()
    finally:
        server.terminate()
        await server.communicate()
    assert reply.text == "Of course."
