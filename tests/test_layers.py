"""The shape of the tree, kept by reading it: imports point one way, no text is ever run, nothing is pickled."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("agents", "protocols", "synth", "train", "scenarios")
SOURCES = sorted(file for layer in LAYERS for file in (ROOT / layer).rglob("*.py"))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("file", SOURCES, ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_point_one_way(file: Path) -> None:
    own = LAYERS.index(file.relative_to(ROOT).parts[0])
    for module in _imports(ast.parse(file.read_text())):
        parts = module.split(".")
        if parts[0] == "longthought" and len(parts) > 1 and parts[1] in LAYERS:
            assert LAYERS.index(parts[1]) <= own, f"imports {module}"
        assert parts[0] not in LAYERS, f"imports {module} without its package"


@pytest.mark.parametrize("file", SOURCES, ids=lambda f: str(f.relative_to(ROOT)))
def test_no_text_is_run_and_nothing_is_pickled(file: Path) -> None:
    """S1, S17: no eval, exec, compile, parse_expr or sympify; no pickle, dill or marshal."""
    tree = ast.parse(file.read_text())
    called = {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    }
    bare = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not bare & {"eval", "exec", "compile", "__import__"}
    assert not called & {"parse_expr", "sympify", "literal_eval"}
    assert not {module.split(".")[0] for module in _imports(tree)} & {"pickle", "dill", "marshal", "shelve"}


@pytest.mark.parametrize("file", SOURCES, ids=lambda f: str(f.relative_to(ROOT)))
def test_every_module_says_what_it_is(file: Path) -> None:
    if file.stat().st_size:
        assert ast.get_docstring(ast.parse(file.read_text())), "no module docstring"


def test_every_package_is_listed() -> None:
    """A package that is not listed in pyproject.toml is missing from the wheel."""
    import tomllib

    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    there = {
        "longthought." + ".".join(file.parent.relative_to(ROOT).parts)
        for layer in LAYERS
        for file in (ROOT / layer).rglob("__init__.py")
    }
    assert listed - {"longthought"} == there
