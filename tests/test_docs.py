"""The documentation does what it says: code runs, tables and file tree are complete, links lead somewhere."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from longthought.synth.clean.filters import FILTERS
from longthought.synth.derive.kinds import KINDS
from tests.doc_blocks import ROOT, Reader, blocks_of

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LAYERS = ("agents", "protocols", "synth", "train", "scenarios")
by_name = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.mark.timeout(600)
@by_name
def test_every_block_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    reader = Reader(monkeypatch, capsys)
    for block in blocks_of(page):
        try:
            reader.read(block)
        except BaseException as error:
            error.add_note(f"{page.name}:{block.line}")
            raise
    if reader.left_out:
        pytest.skip(f"all but: {'; '.join(reader.left_out)}")


#: What measuring and training leave behind; a fresh tree may be without.
MADE = (ROOT / "benchmarks" / "results", ROOT / "agents" / "embedded")


@by_name
def test_links_lead_somewhere(page: Path) -> None:
    not_made: list[str] = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith("http"):
            continue
        path, _, heading = target.partition("#")
        file = (page.parent / path) if path else page
        if not file.exists() and any(file.resolve().is_relative_to(place) for place in MADE):
            not_made.append(target)
            continue
        assert file.exists(), f"{page.name}: {target}"
        if heading:
            headings = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.M)
            assert heading in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}, target
    if not_made:
        pytest.skip(f"not made yet: {', '.join(not_made)}")


def test_where_it_stands_is_where_the_last_results_say() -> None:
    results = ROOT / "benchmarks" / "results"
    debate, turn, cache, throughput = (
        json.loads((results / f"{name}.json").read_text("utf-8"))
        for name in ("embedded_debate", "turn_cost", "prefix_cache", "prm_throughput")
    )
    told = next(
        p for p in (ROOT / "README.md").read_text("utf-8").split("\n\n") if p.startswith("Where it stands")
    )
    accuracy = {arm["arm"]: round(100 * arm["accuracy"]) for arm in debate["arms"]}
    assert set(map(int, re.findall(r"(\d+)\s%", told))) == {
        value for arm, value in accuracy.items() if "last step" not in arm
    }
    assert all(debate["goals"].values())
    assert all(goal["held"] for result in (turn, throughput) for goal in result["goals"])
    assert all(cache["goals"].values())


def test_rewards_and_critics_are_what_the_last_results_say() -> None:
    results = ROOT / "benchmarks" / "results"
    faults, labels, critics = (
        json.loads((results / f"{name}.json").read_text("utf-8"))
        for name in ("planted_faults", "rollout_labels", "critics")
    )
    paragraphs = (ROOT / "README.md").read_text("utf-8").split("\n\n")
    told = next(p for p in paragraphs if p.startswith("Rewards and critics"))
    subjects = faults["subjects"]
    assert f"AUC of {subjects['step scorer']['on_steps_of_debates']['auc']['value']:.3f}" in " ".join(
        told.split()
    )
    missed = [subject["on_planted_faults"]["misses"]["value"] for subject in subjects.values()]
    agreed = next(r["agreement"] for r in labels["labels"] if (r["k"], r["search"]) == (16, "every"))
    solved = [arm["accuracy"] for arm in critics["arms"] if arm["arm"] != "oracle"]
    assert set(re.findall(r"([\d.]+)\s%", told)) == {
        f"{100 * share:.1f}" for share in (*missed, agreed, *solved)
    }
    assert f"At {critics['allowance']} policy tokens" in told
    assert all(faults["goals"].values())
    assert all(labels["goals"].values())


def test_corpora_are_what_the_last_results_say() -> None:
    results = ROOT / "benchmarks" / "results"
    speed, rewrites, thoughts = (
        json.loads((results / f"{name}.json").read_text("utf-8"))
        for name in ("export_speed", "rewrite_check", "thought_profile")
    )
    paragraphs = (ROOT / "README.md").read_text("utf-8").split("\n\n")
    told = " ".join(next(p for p in paragraphs if p.startswith("Corpora")).split())
    fast, memory, _ = (goal["measured"] for goal in speed["goals"])
    assert f"{fast:,} a second on two cores, in {memory} MB" in told
    caught, refused = (
        100 * rewrites[key][0] / rewrites[key][1] for key in ("losses_caught", "paraphrases_refused")
    )
    assert f"{caught:.1f} % of planted losses and refuses {refused:.1f} %" in told
    waits = {profile["name"]: profile["markers"]["wait"]["per_thousand"] for profile in thoughts["profiles"]}
    assert re.findall(r"([\d.]+) times", told) == [
        f"{waits[name]:.1f}" for name in ("Sky-T1, long", "our journeys", "short baseline")
    ]
    assert all(goal["held"] for goal in speed["goals"])
    assert all(rewrites["goals"].values())


# --- the file tree ---------------------------------------------------------------------------------------------


def _tree() -> Iterator[tuple[str, str]]:
    """Path and description of every line of README's tree."""
    block = next(b for b in blocks_of(ROOT / "README.md") if b.text.startswith("agents/"))
    folders: list[str] = []
    for line in block.text.splitlines():
        found = re.fullmatch(r"( *)(\S+)(?:\s{2,}(.+))?", line)
        assert found, f"not a line of the tree: {line!r}"
        depth = len(found[1]) // 2
        folders[depth:] = [found[2].rstrip("/")]
        yield "/".join(folders), found[3] or ""


def test_the_tree_names_every_source_file_and_nothing_else() -> None:
    named = dict(_tree())
    assert not [path for path, said in named.items() if not said], "a line says nothing"
    assert not [path for path in named if not any(ROOT.glob(path))], "no such file"
    sources = {
        str(file.relative_to(ROOT))
        for layer in LAYERS
        for file in (ROOT / layer).rglob("*.py")
        if not _only_says_what_its_folder_is(file)
    }
    assert sources == {path for path in named if path.endswith(".py")}


def _only_says_what_its_folder_is(file: Path) -> bool:
    return file.name == "__init__.py" and all(
        isinstance(node, ast.Expr) for node in ast.parse(file.read_text()).body
    )


# --- tables ----------------------------------------------------------------------------------------------------


def _table(page: Path, header: str) -> dict[str, list[str]]:
    """The rows below ``header``, by their first cell."""
    _, found, rest = page.read_text("utf-8").partition(header)
    assert found, f"{page.name} has no {header!r}"
    rows: dict[str, list[str]] = {}
    for line in rest.lstrip("\n").splitlines():
        if not line.startswith("|"):
            break
        first, *others = (cell.strip() for cell in line.strip().strip("|").split("|"))
        rows[first.strip("`")] = others
    return rows


_KEYS = re.findall(r"<!-- keys: ([\w. ]+) -->", (ROOT / "docs" / "scenarios.md").read_text("utf-8"))


@pytest.mark.parametrize("models", _KEYS)
def test_every_key_of_a_scenario_is_in_its_table(models: str) -> None:
    rows = _table(ROOT / "docs" / "scenarios.md", f"<!-- keys: {models} -->")
    said = {key: cells[0] for key, cells in rows.items() if key not in ("key", "---")}
    defaults: dict[str, set[str]] = {}
    for name in models.split():
        module, _, member = name.rpartition(".")
        model: type[BaseModel] = getattr(import_module(module), member)
        for key, field in model.model_fields.items():
            required = field.is_required()
            value: Any = PydanticUndefined if required else field.get_default(call_default_factory=True)
            defaults.setdefault(field.alias or key, set()).add("required" if required else _as_yaml(value))
    assert said == {key: found.pop() if len(found) == 1 else "required" for key, found in defaults.items()}


def _as_yaml(value: object) -> str:
    if isinstance(value, BaseModel):
        return "[below](#budget)"
    return f"`{'null' if value is None else [] if value == () else value}`"


def test_every_kind_of_row_is_in_its_tables() -> None:
    page = ROOT / "docs" / "exporting.md"
    told, options = _table(page, "<!-- kinds -->"), _table(page, "<!-- options -->")
    for name, kind in KINDS.items():
        shared = {"id", "problem", "run", "outcome", "informed"}
        assert set(_names(told[name][1])) == kind.row.model_fields.keys() - shared, name
        assert set(_names(options[name][0])) == kind.model_fields.keys(), name
    assert len(told) == len(options) == len(KINDS) + 2


def test_every_filter_is_in_its_table() -> None:
    told = _table(ROOT / "docs" / "exporting.md", "<!-- filters -->")
    for name, kind in FILTERS.items():
        assert set(_names(told[name][1])) == kind.model_fields.keys() - {"kinds"}, name
    assert len(told) == len(FILTERS) + 2


def test_every_option_of_a_kind_is_explained() -> None:
    text = (ROOT / "docs" / "exporting.md").read_text("utf-8").split("<!-- meanings -->")[1].split("\n\n")[0]
    told = {name for line in text.splitlines()[3:] for name in _names(line.split("|")[1])}
    assert told == {option for kind in KINDS.values() for option in kind.model_fields}


def _names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def test_a_role_takes_at_most_25_lines() -> None:
    for block in blocks_of(ROOT / "docs" / "roles.md"):
        lines = [line for line in block.text.splitlines() if line.strip()]
        assert block.language != "python" or len(lines) <= 25, f"roles.md:{block.line}"
