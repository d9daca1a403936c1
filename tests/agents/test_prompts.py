"""Prompt sets of others: a set travels with a shared scenario, and must neither run code nor end in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from longthought.agents.errors import UsageError
from longthought.agents.prompts import Prompts


@pytest.mark.parametrize(
    "attack",
    [
        "{{ cycler.__init__.__globals__.os.popen('touch canary').read() }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ self.__init__.__globals__ }}",
    ],
)
def test_a_template_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attack: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "policy.md").write_text(attack)
    with pytest.raises(UsageError, match=r"set\.policy: "):
        Prompts("set", tmp_path, ["policy"]).render("policy")
    assert not (tmp_path / "canary").exists()


def test_a_file_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "policy.md").write_bytes("Löse".encode("latin-1"))
    with pytest.raises(UsageError, match=r"policy\.md: not UTF-8"):
        Prompts("set", tmp_path, ["policy"])
