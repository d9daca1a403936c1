"""Debates of any number from a seed: 24 turns each with detours, several samples a problem, right and wrong ends.

For measurements of what is done with transcripts; the texts are sums of the length that steps have, and mean nothing.
A turn is a thought with its verdict. No model is asked and no debate is played.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import orjson
import zstandard

TURNS = 24
SAMPLES = 4

#: Of the verdicts that do not end the debate: the shares of backtracks and of reflections. The rest continue.
_BACKTRACKS, _REFLECTIONS = 0.2, 0.08
_SOLVED = 0.6


def write_transcripts(file: Path, debates: int, seed: int = 0) -> None:
    """``debates`` transcripts as compressed JSON lines."""
    with file.open("wb") as raw, zstandard.ZstdCompressor(level=1).stream_writer(raw) as out:
        for transcript in transcripts(debates, seed):
            out.write(orjson.dumps(transcript) + b"\n")


def transcripts(debates: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """The same ones for the same seed, whatever their number; the samples of a problem are neighbours."""
    for number in range(debates):
        problem, epoch = divmod(number, SAMPLES)
        yield _debate(number, problem, epoch, Random(f"{seed}|{number}"))


def _debate(number: int, problem: int, epoch: int, dice: Random) -> dict[str, Any]:
    thoughts: list[dict[str, Any]] = []
    judgements: list[dict[str, Any]] = []
    path: list[int] = []
    reflecting = False
    for turn in range(1, TURNS + 1):
        last = turn == TURNS
        kind = "conclusion" if last else "reflection" if reflecting else "step"
        thoughts.append({"id": turn, "parent": path[-1] if path else 0, "kind": kind, "text": _step(dice)})
        path.append(turn)
        reflecting = False
        roll = dice.random()
        decision: dict[str, Any] = {"kind": "continue"}
        if last:
            decision = {"kind": "terminate", "reason": "solved"}
            thoughts[-1]["answer"] = str(dice.randrange(1000))
        elif roll < _BACKTRACKS and len(path) > 1:
            to = dice.randrange(max(0, len(path) - 3), len(path))
            decision = {"kind": "backtrack", "to": to, "why": _reason(dice)}
            del path[to:]
        elif roll < _BACKTRACKS + _REFLECTIONS:
            decision = {"kind": "reflect", "why": _reason(dice)}
            reflecting = True
        judgements.append({"thought": turn, "decision": decision})
    answer = thoughts[-1]["answer"]
    return {
        "version": 1,
        "run": "synthetic",
        "number": number,
        "epoch": epoch,
        "seed": number,
        "problem": {
            "id": f"sum-{problem}",
            "question": f"Number {problem}: {_step(Random(problem))} What is the sum of all that?",
            "gold": answer,
            "scorer": "exact",
            "metadata": {"difficulty": problem % 5},
        },
        "thoughts": thoughts,
        "judgements": judgements,
        "outcome": {"kind": "solved" if dice.random() < _SOLVED else "wrong", "answer": answer},
        "turns": TURNS,
        "usage": {
            "policy": {"prompt": 9000, "completion": 800},
            "critic": {"prompt": 9000, "completion": 300},
        },
        "calls": {"policy": TURNS, "critic": TURNS},
    }


def _step(dice: Random) -> str:
    """About 110 characters, most of them the same in no other step."""
    a, b, c = (dice.randrange(10, 10_000) for _ in range(3))
    left = a + b - c
    return f"Next I add {a} and {b}, which is {a + b}, and take {c} from it: that leaves {left}, so I go on from there."


def _reason(dice: Random) -> str:
    return f"{dice.randrange(10_000)} is not what the step before leaves"
