"""``longthought loop``: what it prints and writes; how loops work is in ``tests/train/test_loops.py``."""

from __future__ import annotations

import re
from pathlib import Path

import orjson

from tests.scenarios.command_line import Call
from tests.train.loop_models import play


def test_the_command_tells_of_each_round(call: Call) -> None:
    play("dpo")
    arguments = ("loop", "dpo", "--config", "dpo.yaml", "--out", "out", "--allow-import")
    code, said, wrong = call(*arguments)
    assert code == 0, wrong
    assert "round-2/model: is there already" in wrong
    numbers = [re.split(r"[│\s]+", line.strip("│ \n")) for line in said.splitlines() if line.startswith("│")]
    assert [(line[0], line[1]) for line in numbers] == [("0", "0"), ("1", "8"), ("2", "8")]
    told = orjson.loads(Path("out/rounds.json").read_bytes())
    assert [f"{one['accuracy']:.1%}" for one in told] == [line[6] for line in numbers]
    assert Path("out/rounds.csv").read_text().count("\n") == 1 + len(told)
    assert Path("out/accuracy.svg").read_text().startswith("<?xml")
    code, _, wrong = call(*arguments, "--set", "rows=3")
    assert (code, "--set rows=3: rows" in wrong) == (2, True)
