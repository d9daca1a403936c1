"""The reward over vLLM's pooling protocol, against a loopback server: rows, errors, and an outage (F15)."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
from aiohttp import web

from longthought.agents.errors import RewardError
from longthought.agents.problems import Problem
from longthought.agents.rewards.prm.process_reward import ProcessRewardModel
from longthought.agents.rewards.tools import read_all
from longthought.agents.thoughts import straight_path
from tests.agents.rewards.prm import tiny_prms

PATH = straight_path(Problem(id="p", question="q?"), ["1+1=2", "a <extra_0> of its own"])

#: From the token ids to the rows; a status instead is an error; None never answers.
Script = Callable[[list[int]], "list[Any] | int | None"]


class Loopback:
    """vLLM's ``/pooling`` with scripted rows."""

    def __init__(self, script: Script, port: int = 0) -> None:
        self._script, self._port = script, port
        self.requests: list[dict[str, Any]] = []
        self.authorization: str | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/pooling", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.requests.append(body)
        self.authorization = request.headers.get("Authorization")
        rows = self._script(body["input"])
        if rows is None:
            await asyncio.sleep(60)
        if isinstance(rows, int):
            return web.json_response({"error": {"message": f"status {rows}"}}, status=rows)
        return web.json_response(
            {"object": "list", "data": [{"index": 0, "object": "pooling", "data": rows}]}
        )


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer")
    tiny_prms.write_tokenizer(path, bos=False)
    return path


def prm_at(base_url: str, tokenizer: Path, **options: Any) -> ProcessRewardModel:
    options = {"convention": "qwen", **options}
    return ProcessRewardModel("served", base_url=base_url, tokenizer=tokenizer, **options)


async def read_with(script: Script, tokenizer: Path, **options: Any) -> list[float]:
    async with Loopback(script) as server:
        prm = prm_at(server.base_url, tokenizer, **options)
        try:
            return await prm.read_all(PATH)
        finally:
            await prm.close()


async def test_rows_at_the_step_tags_are_the_steps(tokenizer: Path) -> None:
    async with Loopback(lambda ids: [[0.25, 0.75], [0.9, 0.1]]) as server:
        prm = prm_at(server.base_url, tokenizer, api_key="secret", score="min")
        assert await prm.read_all(PATH) == [0.75, 0.1]
        assert (await prm.read(PATH)).value == 0.1
        assert [each.value for each in await prm.read_steps(PATH)] == [0.75, 0.1]
        await prm.close()
    assert server.requests[0]["model"] == "served"
    assert server.requests[0]["task"] == "token_classify"
    assert server.authorization == "Bearer secret"


async def test_rows_for_all_tokens_are_read_at_the_steps_ends(tokenizer: Path) -> None:
    def script(ids: list[int]) -> list[Any]:
        tag = ids[-1]
        return [[0.5, 0.5] if token != tag else [0.2, 0.8] for token in ids]

    assert await read_with(script, tokenizer) == [0.8, 0.8]


async def test_a_single_column_is_the_probability_and_words_name_right_first(tokenizer: Path) -> None:
    assert await read_with(lambda ids: [[0.3], [0.6]], tokenizer) == [0.3, 0.6]
    pairs: Script = lambda ids: [[0.9, 0.1], [0.2, 0.8]]  # noqa: E731
    assert await read_with(pairs, tokenizer, convention="math-shepherd") == [0.9, 0.2]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([], "sent 0 rows for"),
        ([[0.5, 0.5]], "sent 1 rows for .* tokens with 2 step tags"),
        ([[0.5, 0.5]] * 3, "sent 3 rows"),
        ([[0.5, None], [0.5, 0.5]], "no finite number"),
        ([["NaN", 0.5], [0.5, 0.5]], "no finite number"),
        ([[1.5, -0.5], [0.5, 0.5]], "no probabilities"),
        ([[0.9, 0.9], [0.5, 0.5]], "do not add up to 1"),
        ([[0.1] * 64, [0.1] * 64], "64 numbers a token, a PRM has 1 or 2; are these hidden states"),
        ([[], [0.5, 0.5]], "0 numbers a token"),
        (503, "answered 503: status 503"),
        (429, "answered 429"),
        (404, "knows no model served"),
        (401, "refused a request without an API key"),
    ],
)
async def test_what_are_no_scores_is_an_error_and_never_zeros(tokenizer: Path, rows: Any, line: str) -> None:
    with pytest.raises(RewardError, match=line):
        await read_with(lambda _: rows, tokenizer)


async def test_a_slow_server_is_given_up(tokenizer: Path) -> None:
    async with Loopback(lambda _: None) as server:
        prm = prm_at(server.base_url, tokenizer)
        prm.timeout = 0.1
        with pytest.raises(RewardError, match=r"did not answer within 0\.1 s"):
            await prm.read_all(PATH)
        await prm.close()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def test_a_server_that_is_down_reads_missing_at_once_or_is_waited_for(tokenizer: Path) -> None:
    """F15: the verdict is made without it and the reading marked, or it is waited for, as its patience says."""
    port = free_port()
    hasty, patient = (prm_at(f"http://127.0.0.1:{port}", tokenizer) for _ in range(2))
    patient.patience = 30.0
    started = time.monotonic()
    (reading,) = await read_all([hasty], PATH)
    assert time.monotonic() - started < 5
    assert reading.missing
    assert reading.value is None
    assert "cannot be reached" in reading.why
    waiting = asyncio.create_task(read_all([patient], PATH))
    await asyncio.sleep(0.6)
    assert not waiting.done()
    async with Loopback(lambda _: [[0.25, 0.75], [0.9, 0.1]], port):
        (reading,) = await waiting
        assert reading.value == 0.1
        assert not reading.missing
        (reading,) = await read_all([hasty], PATH)  # and whoever asks later finds it back
        assert reading.value == 0.1
        await hasty.close()
        await patient.close()
