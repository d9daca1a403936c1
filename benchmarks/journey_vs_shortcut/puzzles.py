"""All puzzles of the experiment's range, each in one of three shares by its own digest, so that none is in two."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import combinations_with_replacement
from pathlib import Path
from random import Random
from typing import Literal

from benchmarks.journey_vs_shortcut.plan import HIGHEST, OUT, TARGETS
from longthought.agents.rewards.countdown import reachable
from longthought.scenarios.replace_file import replace_file

#: The puzzles whose shortcuts the base learns, those that the arms' debates are about, and those that are unseen.
Share = Literal["base", "trees", "unseen"]
_UNSEEN, _BASE = 0.05, 0.4


def dataset(share: Share) -> str:
    """The share as an override of a scenario's ``dataset``; its file is written now if it is not there."""
    file = OUT / "puzzles" / f"{share}.jsonl"
    if not file.is_file():
        _write(file.parent)
    columns = (
        "id: id, answer: null, numbers: numbers, target: target, template: 'Make {target} of {numbers}.'"
    )
    return f"dataset={{kind: file, path: {file.resolve()}, scorer: countdown, {columns}}}"


def _write(directory: Path) -> None:
    random = Random(0)
    shares: dict[Share, list[str]] = {"base": [], "trees": [], "unseen": []}
    for drawn in combinations_with_replacement(range(1, HIGHEST + 1), 4):
        for target in reachable(drawn):
            if target in TARGETS:
                numbers = " ".join(map(str, random.sample(drawn, 4)))
                name = f"{'-'.join(map(str, drawn))}-{target}"
                row = {"id": name, "numbers": numbers, "target": target}
                shares[_share(name)].append(json.dumps(row) + "\n")
    directory.mkdir(parents=True, exist_ok=True)
    for share, lines in shares.items():
        random.shuffle(lines)
        replace_file(directory / f"{share}.jsonl", "".join(lines))


def _share(name: str) -> Share:
    at = int.from_bytes(sha256(name.encode()).digest()[:4]) / 2**32
    return "unseen" if at < _UNSEEN else "base" if at < _UNSEEN + _BASE else "trees"
