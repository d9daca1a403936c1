"""Right solutions in, the same solutions with one fault each out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from random import Random

from longthought.agents.problems import Problem
from longthought.agents.rewards.countdown import puzzle_of
from longthought.synth.labelled.record import LabelledSolution, all_right
from longthought.synth.tamper.countdown import CountdownTamperer, right_steps
from longthought.synth.tamper.fault import Fault, Kind, Tamperer
from longthought.synth.tamper.text import TextTamperer


@dataclass(frozen=True, slots=True)
class Tampered:
    """A solution with a fault in it, and what the fault is."""

    solution: LabelledSolution
    fault: Fault


def tampered(right: LabelledSolution, kinds: Sequence[Kind], seed: int = 0) -> Iterator[Tampered]:
    """One tampered solution for each of ``kinds`` that can be planted in ``right``, at a place drawn at random.

    Steps before the fault are labelled right, the fault wrong with its kind, and what follows not at all. The same
    solution, kind and seed give the same fault, whatever else is planted.
    """
    tamperer = _tamperer(right)
    for kind in kinds:
        if kind not in tamperer.kinds:
            continue
        random = _random(seed, right.id, kind)
        for at in random.sample(range(len(right.steps)), len(right.steps)):
            fault = tamperer.plant(kind, right.steps, at, random)
            if fault is not None:
                yield Tampered(_labelled(right, fault), fault)
                break


def right_countdown(problem: Problem, seed: int = 0) -> LabelledSolution | None:
    """A right solution of a Countdown problem, by the solver; None where it has none.

    Raises:
        ValueError: the problem is no Countdown puzzle.
    """
    puzzle = puzzle_of(problem)
    if puzzle is None:
        raise ValueError(f"problem {problem.id} holds no numbers and target")
    steps = right_steps(puzzle, _random(seed, problem.id, "right"))
    if steps is None:
        return None
    return LabelledSolution(
        id=problem.id,
        question=problem.question,
        steps=steps,
        labels=all_right(len(steps)),
        answer_right=True,
        metadata={"numbers": list(puzzle.numbers), "target": puzzle.target},
    )


def _tamperer(right: LabelledSolution) -> Tamperer:
    puzzle = puzzle_of(Problem(id=right.id, question=right.question, metadata=right.metadata))
    return TextTamperer(right.question) if puzzle is None else CountdownTamperer(puzzle)


def _labelled(right: LabelledSolution, fault: Fault) -> LabelledSolution:
    after = len(fault.steps) - fault.at - 1
    return right.model_copy(
        update={
            "id": f"{right.id}/{fault.kind}",
            "steps": fault.steps,
            "labels": (*all_right(fault.at), "wrong", *(None,) * after),
            "kinds": (*(None,) * fault.at, fault.kind, *(None,) * after),
            "answer_right": None,
        }
    )


def _random(seed: int, name: str, kind: str) -> Random:
    return Random(blake2b(f"{seed}|{name}|{kind}".encode(), digest_size=8).digest())
