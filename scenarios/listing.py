"""Tables of what there is: runs, shipped scenarios, plug-ins, and what the doctor found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from longthought.agents.errors import UsageError
from longthought.scenarios.doctor import Finding
from longthought.scenarios.load import shipped_scenarios
from longthought.scenarios.manifest import Manifest, read_manifest
from longthought.scenarios.plain_text import plain
from longthought.scenarios.plugins import GROUPS, installed
from longthought.scenarios.run_dir import is_held, outcomes_in

_GRADES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def listing(runs: Path) -> RenderableType:
    """Runs below ``runs`` with status and outcomes, then what is shipped and what is plugged in."""
    scenarios = Text("shipped scenarios  ", "bold").append(", ".join(shipped_scenarios()), "not bold")
    return Group(_runs(runs), Text(), scenarios, Text(), _plugins())


def findings_table(findings: Sequence[Finding]) -> Table:
    """What the doctor found, and what to do about it."""
    table = Table("check", "", "found", "advice", header_style="bold")
    for finding in findings:
        row = (plain(finding.check), Text(finding.grade, _GRADES[finding.grade]))
        table.add_row(*row, plain(finding.what), plain(finding.advice))
    return table


def _runs(runs: Path) -> RenderableType:
    table = Table("run", "status", "debates", "outcomes", "started", header_style="bold")
    for path in sorted(runs.iterdir()) if runs.is_dir() else ():
        try:
            manifest = read_manifest(path) if path.is_dir() else None
        except UsageError:
            continue
        if manifest is not None:
            table.add_row(plain(path.name), *_state(path, manifest), Text(manifest.started))
    if not table.row_count:
        return Text(f"no runs under {runs}/; try: longthought run countdown")
    return table


def _state(path: Path, manifest: Manifest) -> tuple[Text, Text, Text]:
    status, outcomes = str(manifest.status), manifest.outcomes
    if status == "running":
        journal = path / "journal-0.jsonl"
        outcomes = outcomes_in(journal) if journal.is_file() else {}
        status = status if is_held(path) else "interrupted"
    said = ", ".join(f"{name} {count}" for name, count in outcomes.items())
    return Text(status), Text(f"{sum(outcomes.values())}/{manifest.debates}"), plain(said)


def _plugins() -> RenderableType:
    table = Table("plug-in", "group", "package", header_style="bold")
    for group in GROUPS:
        for name, point in sorted(installed(group).items()):
            package = f"{point.dist.name} {point.dist.version}" if point.dist else ""
            table.add_row(plain(name), Text(group), plain(package))
    return table
