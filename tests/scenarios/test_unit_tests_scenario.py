"""Code from models runs only in a run that allows it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.scenarios.command_line import Call

CODE = "```python\ndef double(x):\n    return 2 * x\n```"


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    rows = [
        {"prompt": "Double a number.", "test": "def check(f):\n    assert f(2) == 4", "entry_point": "double"}
    ]
    (tmp_path / "tests.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "coder.py").write_text(
        "from longthought.agents.models.scripted import ScriptedModel\n"
        f"def coder(): return ScriptedModel(lambda *_: {CODE!r})\n"
    )
    file = tmp_path / "code.yaml"
    file.write_text(
        "name: code\nprotocol: monologue\n"
        "dataset: {kind: file, path: tests.jsonl, question: prompt, answer: null, scorer: unit-tests, "
        "metadata: [test, entry_point]}\n"
        "models: {coder: {engine: 'coder:coder'}}\nseats: {policy: {model: coder}}\n"
    )
    return str(file)


def test_it_is_off_by_default(call: Call, scenario: str) -> None:
    code, _, said = call("run", scenario, "--allow-import")
    assert code == 2
    assert "dataset.scorer: 'unit-tests' runs code that models write" in said
    assert "add --allow-code" in said


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap here")
def test_a_run_that_allows_it_scores_programs(call: Call, scenario: str) -> None:
    code, out, said = call("run", scenario, "--allow-import", "--allow-code")
    assert code == 0, said
    assert "1 of 1 solved" in out


def test_without_bubblewrap_it_is_refused(call: Call, scenario: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    code, _, said = call("run", scenario, "--allow-import", "--allow-code")
    assert code == 2
    assert "install it (apt install bubblewrap" in said
