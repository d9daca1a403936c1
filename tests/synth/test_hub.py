from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from longthought.agents.errors import RunError, UsageError
from longthought.synth.corpus.export import export
from longthought.synth.corpus.hub import check_name, push
from longthought.synth.corpus.row_files import Format
from tests.synth.corpus_files import solved, write
from tests.synth.loopback_hub import Hub, loopback_hub

TOKEN = "hf_secretsecretsecretsecretsecretsecr"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Generator[Hub]:
    """The hub that this process would push to."""
    constants = pytest.importorskip("huggingface_hub.constants")
    with loopback_hub() as serving:
        monkeypatch.setattr(constants, "ENDPOINT", serving.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield serving


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "t.jsonl", [solved("p")])


def corpus(source: Path, form: Format = "jsonl") -> Path:
    """A corpus in a format, in place of the last one."""
    out = source.with_name("out")
    export(source, out, ["shortcut"], [form])
    return out


def there(out: Path) -> dict[str, bytes]:
    return {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()}


def test_a_corpus_goes_to_the_hub_whole_private_and_in_one_commit(hub: Hub, source: Path) -> None:
    out = corpus(source)
    assert push(out, "me/corpus") == f"{hub.url}/datasets/me/corpus"
    assert hub.files == {"me/corpus": there(out)}
    assert hub.private == {"me/corpus": True}
    assert (hub.commits, hub.tokens) == (1, {f"Bearer {TOKEN}"})
    # Again, with other files: what the first one left behind goes.
    push(corpus(source, "openai"), "me/corpus")
    assert hub.files == {"me/corpus": there(out)}
    assert "shortcut/train.jsonl" not in hub.files["me/corpus"]


def test_public_has_to_be_said(hub: Hub, source: Path) -> None:
    out = corpus(source)
    hub.files["me/open"], hub.private["me/open"] = {"README.md": b"mine"}, False
    with pytest.raises(UsageError, match="me/open: is there already and public; --public says"):
        push(out, "me/open")
    assert hub.files["me/open"] == {"README.md": b"mine"}
    push(out, "me/open", private=False)
    assert hub.files["me/open"] == there(out)
    push(out, "me/new", private=False)
    assert hub.private["me/new"] is False


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_hub_that_refuses_is_one_clear_line_without_the_token(hub: Hub, source: Path, status: int) -> None:
    out = corpus(source)
    hub.refuse = status
    with pytest.raises(RunError, match=r"me/corpus: not pushed to the hub: .*; .*out is whole$") as error:
        push(out, "me/corpus")
    assert "\n" not in str(error.value)
    assert TOKEN not in str(error.value)


def longthought(hub: Hub, source: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """``longthought export`` in a process of its own, whose hub is on loopback and who has no terminal."""
    command = "from longthought.scenarios.cli import main; main()"
    out = source.with_name("out")
    given = ["export", str(source), "--out", str(out), "--kinds", "shortcut", "--formats", "jsonl", *options]
    said = subprocess.run(
        [sys.executable, "-c", command, *given],
        env={**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(source.with_name("hf"))},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert TOKEN not in said.stdout + said.stderr
    return said


def test_nothing_is_uploaded_unless_somebody_confirms(hub: Hub, source: Path) -> None:
    said = longthought(hub, source, "--push-to-hub", "me/corpus")
    assert (said.returncode, hub.files) == (2, {})
    assert "nobody is here to confirm it; say --yes" in said.stderr
    assert not source.with_name("out").exists()
    said = longthought(hub, source, "--push-to-hub", "me/corpus", "--yes")
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines()[-1] == f"{hub.url}/datasets/me/corpus"
    assert hub.files == {"me/corpus": there(source.with_name("out"))}


@pytest.mark.parametrize("name", ["a/b/c", "--x", "a b", "../up", ""])
def test_a_name_that_no_hub_would_take_is_complained_of_first(name: str) -> None:
    pytest.importorskip("huggingface_hub")
    with pytest.raises(UsageError, match="--push-to-hub"):
        check_name(name)
