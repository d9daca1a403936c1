"""What a planted fault is, and what every way of writing steps must know to plant one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, Protocol, get_args

Kind = Literal[
    "number",  # a result is wrong
    "operator",  # another operation than the one whose result stands there
    "sign",  # a result with its sign turned, or the terms of a difference swapped
    "copied_wrong",  # a number that is not there is used, rightly computed with
    "dropped_condition",  # something the problem asks for is left out
    "swapped",  # a step stands before the one that it rests on
    "repeated",  # a step stands there twice
    "wrong_unit",  # another unit than the one meant
    "jump",  # the step that this one rests on is missing
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Fault:
    """The steps with a fault in them; ``at`` is the index of the first step that is wrong, ``why`` says what is."""

    kind: Kind
    steps: tuple[str, ...]
    at: int
    why: str


class Tamperer(Protocol):
    """Plants faults into right steps of one way of writing."""

    #: The kinds that it can plant.
    kinds: tuple[Kind, ...]

    def plant(self, kind: Kind, steps: Sequence[str], at: int, random: Random) -> Fault | None:
        """The fault at that step, or None where it cannot be planted or would not be wrong for certain."""
        ...
