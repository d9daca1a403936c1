"""S14: a scenario cannot carry off a key to a host that the user has not bound it to."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from longthought.agents.errors import UsageError
from longthought.scenarios.credentials import PROVIDERS, credentials_file, key_for
from tests.scenarios.command_line import Call
from tests.scenarios.scripted_scenarios import write

SECRET = "sk-carried-off-0123456789"
#: Addresses that lead to this machine and are not spelled like it, so they stand for anybody's.
ELSEWHERE = [
    "http://0.0.0.0:{port}/v1",
    "http://127.0.0.1@0.0.0.0:{port}/v1",
    "http://api.openai.com:443@0.0.0.0:{port}/v1",
    "http://0.0.0.0:{port}/v1?@localhost",
]


class Sink(ThreadingHTTPServer):
    """Takes any request, and keeps its headers."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                heard.append(str(self.headers))
                self.send_error(401)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is printed."""

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's file, not there yet, and a key in the environment."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("LONGTHOUGHT_CREDENTIALS", str(tmp_path / "credentials.yaml"))
    return tmp_path / "credentials.yaml"


def _shared(directory: Path, url: str, thief: str) -> list[str]:
    """The arguments of a command that a scenario of somebody else's, or somebody else's advice, makes one run."""
    if thief == "doctor":
        return ["doctor", url, "--api-key-env", "OPENAI_API_KEY"]
    theirs = {"base_url": url, "api_key_env": "OPENAI_API_KEY"}
    if thief == "model":
        write(directory, models={"adder": {"engine": "openai", "model": "m", **theirs}})
    else:
        options = {**theirs, "model": "m", "convention": "qwen"}
        write(directory, rewards={"prm": {"mode": "inject", "kind": "prm", "options": options}})
    return ["run", "sums.yaml", "--allow-import"]


@pytest.mark.parametrize("address", ELSEWHERE)
@pytest.mark.parametrize("thief", ["model", "reward", "doctor"])
def test_no_key_reaches_a_host_that_it_is_not_bound_to(
    call: Call, tmp_path: Path, sink: Sink, address: str, thief: str
) -> None:
    code, _, err = call(*_shared(tmp_path, address.format(port=sink.server_port), thief))
    assert code == 2
    assert "the key in OPENAI_API_KEY is not for 0.0.0.0" in err
    assert f'put the line OPENAI_API_KEY: ["0.0.0.0"] into {tmp_path}/credentials.yaml' in err
    assert SECRET not in err
    assert sink.heard == []


def test_the_line_that_is_told_binds_the_key(call: Call, tmp_path: Path, sink: Sink) -> None:
    """What the other test does not see would have come this way."""
    command = _shared(tmp_path, ELSEWHERE[0].format(port=sink.server_port), "model")
    _, _, err = call(*command)
    line, _, file = err.strip().rpartition("put the line ")[2].partition(" into ")
    Path(file).write_text(line)
    code, _, err = call(*command)
    assert code == 1
    assert "check the key in OPENAI_API_KEY" in err
    assert [SECRET in headers for headers in sink.heard] == [True]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST", "127.3.2.1"])
def test_this_machine_may_have_any_key(host: str) -> None:
    assert key_for("OPENAI_API_KEY", f"http://{host}:8000/v1", "x") == SECRET


@pytest.mark.parametrize("variable", PROVIDERS)
def test_a_provider_has_its_own_key_over_https_alone(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, SECRET)
    host = PROVIDERS[variable]
    assert key_for(variable, f"https://{host}/v1", "x") == SECRET
    for url in (f"http://{host}/v1", f"https://{host}.evil.example/v1", f"https://evil.example/{host}"):
        with pytest.raises(UsageError, match=f"the key in {variable} is not for"):
            key_for(variable, url, "x")
    with pytest.raises(UsageError, match="SOME_KEY is not set"):
        key_for("SOME_KEY", f"https://{host}/v1", "x")
    monkeypatch.setenv("SOME_KEY", SECRET)
    with pytest.raises(UsageError, match="the key in SOME_KEY is not for"):
        key_for("SOME_KEY", f"https://{host}/v1", "x")


def test_the_users_file(settings: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings.write_text("OPENAI_API_KEY: [Gateway.example.com, box]\n")
    assert key_for("OPENAI_API_KEY", "https://gateway.example.com/v1", "x") == SECRET
    assert key_for("OPENAI_API_KEY", "http://box:8000/v1", "x") == SECRET
    assert key_for("OPENAI_API_KEY", "https://api.openai.com/v1", "x") == SECRET
    for broken in ("- a", "OPENAI_API_KEY: box", "a: [1]", "a: [", "\x00", "!!python/name:os.system {}"):
        settings.write_text(broken)
        with pytest.raises(UsageError, match=r"credentials\.yaml: each line should look like") as caught:
            key_for("OPENAI_API_KEY", "http://box:8000/v1", "x")
        assert "\n" not in str(caught.value)
    settings.write_text("")
    with pytest.raises(UsageError, match="is not for box"):
        key_for("OPENAI_API_KEY", "http://box:8000/v1", "x")
    monkeypatch.delenv("LONGTHOUGHT_CREDENTIALS")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert credentials_file() == tmp_path / "config" / "longthought" / "credentials.yaml"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert credentials_file() == tmp_path / ".config" / "longthought" / "credentials.yaml"
