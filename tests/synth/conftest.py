from __future__ import annotations

from pathlib import Path

import pytest

from tests.synth.scripted_runs import DETOURS, Script, play_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of three problems with two samples each: every kind has a row."""
    directory = tmp_path / "run"
    scripts: list[Script] = []
    for name in ("p", "q", "r"):
        scripts += [
            Script(DETOURS.steps, DETOURS.verdicts, name, 0),
            Script(["2+2 is 5", "answer: 5"], ["continue", "terminate solved"], name, 1),
        ]
    play_run(directory, scripts)
    return directory
