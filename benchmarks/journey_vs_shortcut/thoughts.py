"""What is in a model's long thought about a Countdown puzzle: its way back, and whether each was deserved.

A way back is valid if what it leaves is really no way to the target (exact search, or a step that is wrong in itself)
and the step after it is a legal one from numbers that the thought stood at before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from longthought.agents.rewards.countdown import Puzzle, alive, legal_step, parse_step

#: The beginnings of the phrases that go back (synth/telling/phrases.yaml).
_BACK = re.compile(r"^(Wait|Hmm|No|Hold on|But)\b")


@dataclass(frozen=True, slots=True)
class Ways:
    """``backs`` ways back in a thought, ``valid`` of them; ``steps`` in all, ``legal`` of them."""

    backs: int
    valid: int
    steps: int
    legal: int


def ways_of(thought: str, puzzle: Puzzle) -> Ways:
    """Count them line by line."""
    seen = {tuple(sorted(puzzle.numbers))}
    left: tuple[int, ...] | None = puzzle.numbers
    backs = valid = steps = legal = 0
    deserved: bool | None = None
    for line in thought.splitlines():
        move = parse_step(line)
        if move is None:
            # A reflection and the return after it are one way back.
            if _BACK.match(line) and deserved is None:
                backs += 1
                deserved = left is None or not alive(left, puzzle.target)
            continue
        steps += 1
        froms = [numbers for numbers in seen if legal_step(numbers, move).ok]
        legal += bool(froms)
        if deserved is not None:
            valid += deserved and bool(froms)
            deserved = None
        left = tuple(sorted(move.rest)) if froms else None
        if left is not None:
            seen.add(left)
    return Ways(backs, valid, steps, legal)
