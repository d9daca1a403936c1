"""What is installed: the editable install leads to this tree, and a wheel holds all of the package and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

import pytest

import longthought.agents

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS: dict[str, str] = PROJECT["tool"]["setuptools"]["package-dir"]
#: The first setuptools that knows ``license = "Apache-2.0"``, as pyproject.toml asks for.
SETUPTOOLS = 77


def test_the_package_is_this_tree() -> None:
    file = longthought.agents.__file__
    assert file is not None
    assert Path(file).resolve().parent == ROOT / "agents"


def test_the_command_is_installed() -> None:
    (script,) = entry_points(group="console_scripts", name="longthought")
    assert script.value == PROJECT["project"]["scripts"]["longthought"]
    assert callable(script.load())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The names in a wheel built from a copy, so that no build directory of the tree is read or left."""
    try:
        have = int(version("setuptools").partition(".")[0])
    except PackageNotFoundError:
        have = 0
    if have < SETUPTOOLS:
        pytest.skip(f"setuptools {SETUPTOOLS} or later is not installed here")
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", "*-checkpoints", "*.partial")
    for folder in (*FOLDERS.values(), "tests", "benchmarks"):
        shutil.copytree(ROOT / folder, copy / folder, symlinks=True, ignore=unwanted)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, copy)
    code = f"from setuptools.build_meta import build_wheel; build_wheel({str(out)!r})"
    built = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True)
    assert not built.returncode, built.stderr
    (made,) = out.glob("*.whl")
    with zipfile.ZipFile(made) as archive:
        yield archive.namelist()


def test_a_wheel_holds_every_source_and_data_file(wheel: list[str]) -> None:
    layers = {folder: name for name, folder in FOLDERS.items() if name != "longthought"}
    wanted = {"longthought/__init__.py", "longthought/py.typed"}
    for folder, name in layers.items():
        for pattern in (
            "*.py",
            "*.yaml",
            "*.md",
            "embedded/*/*.json",
            "embedded/*/*.jinja",
            "embedded/*/*.safetensors",
        ):
            wanted |= {
                f"{name.replace('.', '/')}/{file.relative_to(ROOT / folder)}"
                for file in (ROOT / folder).rglob(pattern)
                if not any(part.endswith("-checkpoints") for part in file.parts)
                and (file.suffix != ".md" or file.parent.name in ("prompts", "embedded"))
            }
    assert not wanted - set(wheel)


def test_a_wheel_holds_nothing_else(wheel: list[str]) -> None:
    assert {name.partition("/")[0].partition("-")[0] for name in wheel} == {"longthought"}
    # What trainings leave beside their models; the modules that write it may be there.
    left = [name for name in wheel if "checkpoint" in name and not name.endswith(".py")]
    assert not left
    assert not [name for name in wheel if "__pycache__" in name]
    assert max(Counter(wheel).values()) == 1
