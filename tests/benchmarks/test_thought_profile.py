"""The page says what the last result says."""

from __future__ import annotations

import json
import re

from benchmarks.result_file import RESULTS
from longthought.synth.stats.profile import Profile
from tests.doc_blocks import ROOT


def test_the_figures_of_the_page_are_those_of_the_last_result() -> None:
    result = json.loads((RESULTS / "thought_profile.json").read_text("utf-8"))
    found = {one.name: one for one in map(Profile.model_validate, result["profiles"])}
    page = (ROOT / "docs" / "importing.md").read_text("utf-8").partition("<!-- figures -->")[2]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("| ")
    ]
    assert [row[0] for row in rows[1:]] == list(found)
    for name, finished, words, told_lines, wait, dead, cost in rows[1:]:
        one = found[name]
        assert one.size is not None
        assert one.lines is not None
        assert (finished, words, told_lines) == (
            str(one.finished),
            str(one.size.median),
            str(one.lines.median),
        )
        assert wait == f"{one.markers['wait'].per_thousand:.2f}"
        share = (
            "–" if one.dead_nodes is None else f"{'≈ ' if one.guessed else ''}{100 * one.dead_nodes:.1f} %"
        )
        assert dead == share
        assert cost == ("–" if one.per_solved is None else f"{one.per_solved:.0f}")
    grown = [
        f"{group.size:.0f}"
        for name in ("Sky-T1, long", "short baseline")
        for group in (found[name].growth[0], found[name].growth[-1])
    ]
    assert re.findall(r"from (\d+) to (\d+)", page) == [(grown[0], grown[1]), (grown[2], grown[3])]
