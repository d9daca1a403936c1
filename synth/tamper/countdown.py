"""Faults in Countdown steps, ``29-13=16 [2 16]``. The rules of the game say of each whether it is wrong, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from longthought.agents.rewards.countdown import Puzzle, Step, conclude, legal_step, parse_step, solutions
from longthought.synth.tamper.fault import Fault, Kind

#: By how much a number is off.
_OFF = (-10, -3, -2, -1, 1, 2, 3, 10)


class CountdownTamperer:
    """For one puzzle."""

    kinds: tuple[Kind, ...] = (
        "number",
        "operator",
        "sign",
        "copied_wrong",
        "dropped_condition",
        "swapped",
        "repeated",
        "jump",
    )

    def __init__(self, puzzle: Puzzle) -> None:
        self._numbers = puzzle.numbers

    def plant(self, kind: Kind, steps: Sequence[str], at: int, random: Random) -> Fault | None:
        step = parse_step(steps[at])
        if step is None:
            return None
        before, after = steps[:at], steps[at + 1 :]
        match kind:
            case "swapped" | "jump" if at + 1 >= len(steps) or parse_step(steps[at + 1]) is None:
                return None
            case "swapped":
                told = (*before, after[0], steps[at], *after[1:])
            case "jump":
                told = (*before, *after)
            case "repeated":
                told, at = (*steps[: at + 1], *steps[at:]), at + 1
            case _:
                wrong = self._wrong(kind, step, random)
                if wrong is None:
                    return None
                told = (*before, str(wrong), *after)
        ok, why = self._judge(told, at)
        return None if ok else Fault(kind, told, at, why)

    def _wrong(self, kind: Kind, step: Step, random: Random) -> Step | None:
        match kind:
            case "number":
                result = step.result + random.choice(_OFF)
                return _with_result(step, result) if result >= 0 else None
            case "operator":
                return replace(step, op=random.choice([op for op in "+-*/" if op != step.op]))
            case "sign":
                return replace(step, left=step.right, right=step.left) if step.op == "-" else None
            case "copied_wrong":
                return _copied_wrong(step, random)
            case "dropped_condition":
                others = [number for number in step.rest if number != step.result]
                if not others:
                    return None
                rest = list(step.rest)
                rest.remove(random.choice(others))
                return replace(step, rest=tuple(rest))
            case _:
                return None

    def _judge(self, steps: Sequence[str], at: int) -> tuple[bool, str]:
        """Whether the step there is legal after those before it, which are right."""
        left = self._numbers
        for text in steps[:at]:
            before = parse_step(text)
            left = before.rest if before is not None else left
        step = parse_step(steps[at])
        check = legal_step(left, step) if step is not None else None
        return (check.ok, check.why) if check is not None else (False, "not a step")


def right_steps(puzzle: Puzzle, random: Random) -> tuple[str, ...] | None:
    """A right solution, conclusion included, drawn from all of them; None where there is none."""
    found = list(solutions(puzzle.numbers, puzzle.target))
    if not found:
        return None
    steps = random.choice(found)
    return (*map(str, steps), f"answer: {conclude(steps, puzzle.numbers)}")


def _with_result(step: Step, result: int) -> Step:
    rest = list(step.rest)
    rest[rest.index(step.result)] = result
    return replace(step, result=result, rest=tuple(rest))


def _copied_wrong(step: Step, random: Random) -> Step | None:
    left = step.left + random.choice(_OFF)
    value = {
        "+": left + step.right,
        "-": left - step.right,
        "*": left * step.right,
        "/": left // step.right if step.right and left % step.right == 0 else -1,
    }[step.op]
    return _with_result(replace(step, left=left), value) if left > 0 and value >= 0 else None
