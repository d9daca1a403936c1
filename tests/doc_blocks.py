"""The code blocks of a page of documentation, and how each is run: as its reader would, in a directory of its own.

A comment above a block says what is special about it: ``<!-- needs: lm step_scorer -->`` names embedded weights without
which it is left out, ``<!-- output -->`` makes it the expected output (some lines of it, in order) of the block before.
The first line of a block may say what it is: ``# scenario: FILE``, ``# part of a scenario``, ``# training KIND: FILE``
or ``# file: PATH``, which is only written.
"""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from pydantic import BaseModel

from longthought.agents.errors import UsageError
from longthought.agents.models.embedded import embedded_path
from longthought.scenarios.cli import main
from longthought.scenarios.load import load_scenario
from longthought.scenarios.schema import Scenario
from longthought.train.loops.settings import ExploreSettings
from longthought.train.settings import (
    CriticSettings,
    DpoSettings,
    GrpoSettings,
    KtoSettings,
    PrmSettings,
    SftSettings,
    load_settings,
)

ROOT = Path(__file__).parents[1]
TRAINING: dict[str, type[BaseModel]] = {
    "sft": SftSettings,
    "dpo": DpoSettings,
    "kto": KtoSettings,
    "grpo": GrpoSettings,
    "prm": PrmSettings,
    "critic": CriticSettings,
    "explore": ExploreSettings,
}
_FENCE = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)
_FIRST = re.compile(
    r"# (?P<what>scenario|part of a scenario|training (?P<kind>[\w-]+)|file)(?:: (?P<file>\S+))?\n"
)
_EXIT = re.compile(r"# exit code (\d+)")


@dataclass(frozen=True)
class Block:
    """One fenced block. ``line`` is that of its fence, for messages."""

    line: int
    language: str
    text: str
    note: str


def blocks_of(page: Path) -> Iterator[Block]:
    """The page's blocks in order."""
    text = page.read_text("utf-8")
    assert text.count("\n```") % 2 == 0, f"{page.name}: a block has no end"
    for found in _FENCE.finditer(text):
        yield Block(
            text.count("\n", 0, found.start()) + 1, found["language"], found["text"], found["note"] or ""
        )


def make_targets() -> set[str]:
    """The targets of the Makefile that a user may name."""
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    return set(phony[1].split()) if phony else set()


@dataclass
class Reader:
    """Somebody who types in a whole page, block after block; the working directory is theirs."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    #: Why blocks were left out.
    left_out: list[str] = field(default_factory=list[str])
    _said: str = ""
    _scenario: dict[str, Any] = field(default_factory=dict[str, Any])

    def read(self, block: Block) -> None:
        """Run, write, validate or compare the block."""
        if block.note.startswith("needs: ") and (missing := _missing(block.note.split()[1:])):
            self.left_out.append(f"line {block.line}: {missing}")
            return
        if block.note == "output":
            self._compare(block.text)
            return
        first = _FIRST.match(block.text)
        if first and first["file"]:
            file = Path(first["file"])
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, "utf-8")
        match block.language, first["what"].split()[0] if first else "":
            case "python" | "toml" | "yaml", "file":
                pass
            case "python", "":
                code = compile(block.text, f"<line {block.line}>", "exec", dont_inherit=True)
                exec(code, self.names)
                self._said = self.capsys.readouterr().out
            case "bash", "":
                self._type(block.text)
            case "yaml", "scenario":
                self._scenario = _mapping(block.text)
                load_scenario(first["file"]) if first and first["file"] else _scenario(self._scenario)
            case "yaml", "part":
                _scenario({**self._scenario, **_mapping(block.text)})
            case "yaml", "training":
                schema = TRAINING[first["kind"] if first else ""]
                if first and first["file"]:
                    load_settings(first["file"], schema=schema)
                else:
                    schema.model_validate(_mapping(block.text))
            case "text", "":
                pass
            case language, what:
                raise AssertionError(f"nobody knows how to run a block of {language} {what}")

    def _type(self, text: str) -> None:
        said: list[str] = []
        for line in text.replace("\\\n", " ").splitlines():
            expected = int(found[1]) if (found := _EXIT.search(line)) else 0
            arguments = shlex.split(line, comments=True)
            if not arguments:
                continue
            code = self._command(line, arguments)
            out, err = self.capsys.readouterr()
            assert code == expected, f"{line}\nexit code {code}\n{out}{err}"
            said.append(out)
        self._said = "".join(said)

    def _command(self, line: str, arguments: list[str]) -> int:
        match arguments:
            case ["make", *targets]:
                assert set(targets) <= make_targets(), line
                return 0
            case ["pip", "install", "-e", directory]:
                self._install(Path(directory))
                return 0
            case ["longthought", *_]:
                # In this process: what every command imports takes seconds.
                self.monkeypatch.setattr(sys, "argv", arguments)
                with warnings.catch_warnings():
                    warnings.simplefilter("default")
                    with pytest.raises(SystemExit) as ended:
                        main()
                return cast("int", ended.value.code)
            case ["python", "-m", module, *rest]:
                self.monkeypatch.setattr(sys, "argv", [module, *rest])
                importlib.import_module(module).main()
                return 0
            case _:
                path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
                typed = subprocess.run(
                    ["bash", "-c", line], env={**os.environ, "PATH": path}, capture_output=True, text=True
                )
                print(typed.stdout, end="")
                print(typed.stderr, end="", file=sys.stderr)
                return typed.returncode

    def _install(self, directory: Path) -> None:
        """What ``pip install -e`` leaves: the directory on the path, and the metadata with its entry points."""
        project = tomllib.loads((directory / "pyproject.toml").read_text())["project"]
        info = directory / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        points = "".join(
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in named.items())
            for group, named in project["entry-points"].items()
        )
        (info / "entry_points.txt").write_text(points)
        self.monkeypatch.setattr(sys, "path", [str(directory.resolve()), *sys.path])
        for module in directory.glob("*.py"):
            self.monkeypatch.delitem(sys.modules, module.stem, raising=False)
        importlib.invalidate_caches()

    def _compare(self, expected: str) -> None:
        lines = iter(self._said.splitlines())
        for line in expected.splitlines():
            assert any(line.strip() in said for said in lines), (
                f"not printed, or not there: {line}\n{self._said}"
            )


def _missing(parts: list[str]) -> str:
    """What keeps the embedded model from being there, or nothing."""
    for part in parts:
        try:
            embedded_path(cast("Any", part))
        except UsageError as error:
            return str(error)
    return ""


def _mapping(text: str) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load(text))


def _scenario(content: dict[str, Any]) -> None:
    Scenario.model_validate(content)
