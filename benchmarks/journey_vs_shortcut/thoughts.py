"""What is in a model's long thought about a Countdown puzzle: its attempts, and whether each way back was deserved.

A way back is valid if what it leaves is really no way to the target (exact search, or a step that is wrong in itself)
and the step after it is a legal one from numbers that the thought stood at before. Where a critic looks at results
alone, nearly every way back leaves a single number that is not the target, so that little but the legal step is left to
get wrong; how many attempts are new ones says more of a search.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from longthought.agents.rewards.countdown import Puzzle, Step, alive, legal_step, parse_step

#: The beginnings of the phrases that go back (synth/telling/phrases.yaml).
_BACK = re.compile(r"^(Wait|Hmm|No|Hold on|But)\b")


@dataclass(frozen=True, slots=True)
class Ways:
    """What a thought holds.

    Attributes:
        backs, valid: ways back, and those that are valid.
        steps, legal: steps, and those that can be made with numbers that the thought says it stood at.
        attempts, repeated: steps from one way back to the next, and those of them that were all made before.
    """

    backs: int
    valid: int
    steps: int
    legal: int
    attempts: int
    repeated: int


def ways_of(thought: str, puzzle: Puzzle) -> Ways:
    """Count them line by line."""
    stood = {tuple(sorted(puzzle.numbers))}
    #: The same, with what wrong steps claim to have left.
    claimed = set(stood)
    left: tuple[int, ...] | None = puzzle.numbers
    backs = valid = steps = legal = 0
    attempts: list[list[str]] = [[]]
    deserved: bool | None = None
    for line in thought.splitlines():
        move = parse_step(line)
        if move is None:
            # A reflection and the return after it are one way back.
            if _BACK.match(line) and deserved is None:
                backs += 1
                deserved = left is None or not alive(left, puzzle.target)
                attempts.append([])
            continue
        steps += 1
        attempts[-1].append(str(move))
        legal += _from_any(claimed, move)
        real = _from_any(stood, move)
        if deserved is not None:
            valid += deserved and real
            deserved = None
        claimed.add(tuple(sorted(move.rest)))
        left = tuple(sorted(move.rest)) if real else None
        if left is not None:
            stood.add(left)
    made = [tuple(attempt) for attempt in attempts if attempt]
    return Ways(backs, valid, steps, legal, len(made), len(made) - len(set(made)))


def _from_any(places: set[tuple[int, ...]], move: Step) -> bool:
    return any(legal_step(numbers, move).ok for numbers in places)
