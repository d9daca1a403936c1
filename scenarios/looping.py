"""Plays a learning loop in a directory, or goes on with it, and writes what came of its rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from longthought.scenarios.loop_asking import How
from longthought.scenarios.loop_commands import LoopCommands, Trainer, train_here
from longthought.scenarios.loop_stages import Stages
from longthought.scenarios.replace_file import replace_file
from longthought.train.loops.account import Line, account, as_csv, draw
from longthought.train.loops.cotrain import cotrain
from longthought.train.loops.explore import explore
from longthought.train.loops.iterated_dpo import iterated_dpo
from longthought.train.loops.round import Round
from longthought.train.loops.settings import (
    CotrainSettings,
    ExploreSettings,
    IteratedDpoSettings,
    LoopSettings,
    StarSettings,
)
from longthought.train.loops.star import star


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop by name: what it may be told, and how it is played."""

    settings: type[LoopSettings]
    play: Callable[[Any, Any], Iterator[Round]]


LOOPS: dict[str, Loop] = {
    "star": Loop(StarSettings, star),
    "explore": Loop(ExploreSettings, explore),
    "cotrain": Loop(CotrainSettings, cotrain),
    "dpo": Loop(IteratedDpoSettings, iterated_dpo),
}


def play_loop(
    name: str,
    settings: LoopSettings,
    out: Path,
    how: How,
    say: Callable[[str, bool], None],
    trainer: Trainer = train_here,
) -> list[Line]:
    """Play every round; ``rounds.json``, ``rounds.csv`` and, with an evaluation, ``accuracy.svg`` come to ``out``.

    Args:
        say: called with each stage's name and whether it was whole already.

    Raises:
        UsageError: the settings do not fit what they name, or ``out`` holds another loop. Nothing was asked.
        RunError, ModelError: it cannot go on; the same again resumes it.
    """
    do = LoopCommands(settings, how, trainer, lambda identity: Stages(out, {"loop": name, **identity}, say))
    with do.stages:
        lines: list[Line] = []
        for line in account(LOOPS[name].play(do, settings)):
            lines.append(line)
            told = [line.told() for line in lines]
            replace_file(out / "rounds.json", orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n")
            replace_file(out / "rounds.csv", as_csv(lines))
        if any(line.accuracy is not None for line in lines):
            draw(lines, name, out / "accuracy.svg")
    return lines
