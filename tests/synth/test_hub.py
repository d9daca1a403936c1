from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from longthought.agents.errors import UsageError
from longthought.synth.corpus.hub import check_name
from tests.synth.corpus_files import solved, write
from tests.synth.loopback_hub import Hub, loopback_hub

pytest.importorskip("huggingface_hub")

TOKEN = "hf_secretsecretsecretsecretsecretsecr"


@pytest.fixture
def hub() -> Generator[Hub]:
    with loopback_hub() as serving:
        yield serving


def export(
    hub: Hub, tmp_path: Path, *options: str, token: str | None = TOKEN
) -> subprocess.CompletedProcess[str]:
    """``longthought export`` in a process of its own, whose hub is on loopback and who has no terminal."""
    if not (tmp_path / "t.jsonl").exists():
        write(tmp_path / "t.jsonl", [solved("p")])
    env = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
    env.pop("HF_TOKEN", None)
    if token is not None:
        env["HF_TOKEN"] = token
    command = "from longthought.scenarios.cli import main; main()"
    arguments = ["export", str(tmp_path / "t.jsonl"), "--out", str(tmp_path / "out"), "--kinds", "shortcut"]
    said = subprocess.run(
        [sys.executable, "-c", command, *arguments, *options],
        env=env,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert TOKEN not in said.stdout + said.stderr
    return said


def there(tmp_path: Path) -> dict[str, bytes]:
    out = tmp_path / "out"
    return {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()}


def test_a_corpus_goes_to_the_hub_whole_private_and_in_one_commit(hub: Hub, tmp_path: Path) -> None:
    said = export(hub, tmp_path, "--push-to-hub", "me/corpus", "--yes")
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines()[-1] == f"{hub.url}/datasets/me/corpus"
    assert hub.files["me/corpus"] == there(tmp_path)
    assert hub.private == {"me/corpus": True}
    assert (hub.commits, hub.tokens) == (1, {f"Bearer {TOKEN}"})
    # Again, with other files: what the first one left behind goes.
    assert export(hub, tmp_path, "--push-to-hub", "me/corpus", "--yes", "--formats", "jsonl").returncode == 0
    assert hub.files["me/corpus"] == there(tmp_path)
    assert not [name for name in hub.files["me/corpus"] if name.endswith(".parquet")]


def test_public_has_to_be_said(hub: Hub, tmp_path: Path) -> None:
    hub.files["me/open"], hub.private["me/open"] = {"README.md": b"mine"}, False
    said = export(hub, tmp_path, "--push-to-hub", "me/open", "--yes")
    assert said.returncode == 2
    assert "me/open: is there already and public; --public says that this is meant" in said.stderr
    assert hub.files["me/open"] == {"README.md": b"mine"}
    assert (tmp_path / "out" / "manifest.json").is_file()
    assert export(hub, tmp_path, "--push-to-hub", "me/open", "--yes", "--public").returncode == 0
    assert hub.files["me/open"] == there(tmp_path)


def test_nothing_is_uploaded_unless_somebody_confirms(hub: Hub, tmp_path: Path) -> None:
    said = export(hub, tmp_path, "--push-to-hub", "me/corpus")
    assert (said.returncode, hub.files) == (2, {})
    assert "nobody is here to confirm it; say --yes" in said.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("status", "token"), [(403, TOKEN), (401, None)])
def test_a_hub_that_refuses_is_one_clear_line_and_the_corpus_stays(
    hub: Hub, tmp_path: Path, status: int, token: str | None
) -> None:
    hub.refuse = status
    said = export(hub, tmp_path, "--push-to-hub", "me/corpus", "--yes", token=token)
    assert said.returncode == 1
    (complaint,) = said.stderr.splitlines()
    assert complaint.startswith("longthought: me/corpus: not pushed to the hub: ")
    assert complaint.endswith("out is whole")
    assert (tmp_path / "out" / "manifest.json").is_file()


@pytest.mark.parametrize("name", ["a/b/c", "--x", "a b", "../up", ""])
def test_a_name_that_no_hub_would_take_is_complained_of_first(name: str) -> None:
    with pytest.raises(UsageError, match="--push-to-hub"):
        check_name(name)
