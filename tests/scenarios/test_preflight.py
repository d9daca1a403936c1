"""Servers are looked at before anything is spent, and what is wrong with them is one line."""

from __future__ import annotations

import resource
import socket
from pathlib import Path

import pytest
from rich.console import Console

from longthought.agents.errors import LongthoughtError, RunError, UsageError
from longthought.agents.models.loopback import LoopbackServer
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.preflight import check_open_files
from longthought.scenarios.run import RunOptions, run_scenario
from tests.scenarios.scripted_scenarios import load

QUIET = Console(quiet=True)


async def refusal(directory: Path, *sets: str, base_url: str) -> LongthoughtError:
    models = {"adder": {"engine": "openai", "model": "loopback", "base_url": base_url}}
    loaded = load(directory, *sets, models=models)
    with pytest.raises(LongthoughtError) as caught:
        await run_scenario(loaded, RunOptions(run_dir=directory / "run"), QUIET)
    assert "\n" not in str(caught.value)
    assert not (directory / "run").exists()
    return caught.value


async def test_an_unreachable_server(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    error = await refusal(tmp_path, base_url=url)
    assert isinstance(error, RunError)
    assert f"models.adder.base_url: {url}/models cannot be reached (Connection refused)" in str(error)


async def test_a_wrong_model(tmp_path: Path) -> None:
    async with LoopbackServer(lambda _: "continue") as server:
        error = await refusal(tmp_path, "models.adder.model=lopback", base_url=server.base_url)
        assert server.requests == []
    assert str(error) == "models.adder.model: the server knows no 'lopback'; it has loopback"


async def test_a_missing_and_a_wrong_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with LoopbackServer(lambda _: "continue", api_key="right") as server:
        error = await refusal(tmp_path, base_url=server.base_url)
        assert isinstance(error, RunError)
        assert "refuses the request (401); name the key's variable in api_key_env" in str(error)
        env = "models.adder.api_key_env=SUMS_KEY"
        error = await refusal(tmp_path, env, base_url=server.base_url)
        assert isinstance(error, UsageError)
        assert "the environment variable SUMS_KEY is not set" in str(error)
        monkeypatch.setenv("SUMS_KEY", "wrong")
        error = await refusal(tmp_path, env, base_url=server.base_url)
        assert isinstance(error, RunError)
        assert "check the key in SUMS_KEY" in str(error)
        assert "wrong" not in str(error)
        assert server.requests == []


async def test_an_address_that_is_no_api(tmp_path: Path) -> None:
    async with LoopbackServer(lambda _: "continue") as server:
        error = await refusal(tmp_path, base_url="ftp://x")
        assert "models.adder: base_url 'ftp://x': should look like http://" in str(error)
        root = server.base_url.removesuffix("/v1")
        models = {"adder": {"engine": "openai", "model": "loopback", "base_url": root}}
        # A server without a list of models is left to the first request, whose 404 ends the run.
        with pytest.raises(LongthoughtError, match="it usually ends in /v1"):
            await run_scenario(load(tmp_path, models=models), RunOptions(run_dir=tmp_path / "run"), QUIET)


async def test_a_run_against_a_server_counts_cost(tmp_path: Path) -> None:
    def say(body: dict[str, object]) -> str:
        return "terminate solved" if "Critic: judge" in str(body["messages"]) else "Answer: 1"

    async with LoopbackServer(say) as server:
        price = {"prompt": 1.0, "completion": 2.0}
        spec = {"engine": "openai", "model": "loopback", "base_url": server.base_url, "price": price}
        loaded = load(tmp_path, models={"adder": spec})
        result = await run_scenario(loaded, RunOptions(run_dir=tmp_path / "run"), QUIET)
        asked = len(server.requests)
        # The finished run asks nobody, so nobody need be there.
        await server.__aexit__(None, None, None)
        again = await run_scenario(loaded, RunOptions(run_dir=tmp_path / "run", resume=True), QUIET)
        assert again.status == "finished"
        assert len(server.requests) == asked
    outcomes = [transcript.outcome.kind for transcript in read_transcripts(result.run_dir)]
    assert sorted(set(outcomes)) == ["solved", "wrong"]


def test_too_many_connections_for_the_system_are_refused() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        pytest.skip("this system has no limit")
    with pytest.raises(UsageError, match=f"needs {hard + 101} open files, the system allows {hard}"):
        check_open_files(hard + 1)
    check_open_files(10)
