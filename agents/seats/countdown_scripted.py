"""Scripted seats for Countdown: a searcher with a known error rate, and an oracle that knows every dead end.

They make the embedded model's training corpora and every exact test of the debate: with them, each figure of a run
has a closed-form expectation. Both are functions of the path and of the debate's own seed, so runs resume and repeat
exactly.
"""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from longthought.agents.calls import digest_of, recorder
from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate
from longthought.agents.errors import UsageError
from longthought.agents.rewards.countdown import (
    Puzzle,
    alive,
    check_expression,
    conclude,
    legal_step,
    moves,
    parse_step,
    puzzle_of,
)
from longthought.agents.rewards.countdown import Step as Move
from longthought.agents.seats.contract import Step, Verdict
from longthought.agents.thoughts import Path, Thought


class SearcherOptions(BaseModel):
    """How often the searcher errs. Probabilities are per step."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Takes any legal step rather than one that it knows to lead to the target.
    guess: float = Field(default=0.5, ge=0, le=1)
    #: Gets the arithmetic of a step wrong.
    slip: float = Field(default=0.06, ge=0, le=1)
    #: Claims that the last step gives the target, whatever it gives; a trained policy does that.
    wish: float = Field(default=0.0, ge=0, le=1)
    #: Takes a number that is not there, mostly one of those that are for a second time.
    misread: float = Field(default=0.0, ge=0, le=1)
    #: Writes a conclusion with one number or operation that is not in its steps.
    garble: float = Field(default=0.0, ge=0, le=1)


class OracleOptions(BaseModel):
    """How often the oracle errs, per verdict on a step. Zero: never."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Lets a fault pass, to object to it later.
    miss: float = Field(default=0.0, ge=0, le=1)
    #: Goes back from a step that is fine.
    alarm: float = Field(default=0.0, ge=0, le=1)
    #: Sees a dead end only where at most so many numbers are left: 1 is somebody who looks at results alone.
    sight: int = Field(default=99, ge=1)
    #: Goes back to the deepest thought from which there is a way, or, as somebody who cannot know it, to the start.
    back: Literal["alive", "start"] = "alive"


class CountdownSearcher:
    """A policy that writes ``13*2=26 [28 26]`` steps and a last line ``answer: 28-13*2``."""

    def __init__(self, **options: float) -> None:
        self._options = SearcherOptions(**options)

    async def propose(self, path: Path, n: int = 1) -> list[Step]:
        """``n`` steps; never one that was tried at this node while another is left."""
        random = _random(path)
        return [Step(self._step(path, random)) for _ in range(n)]

    def _step(self, path: Path, random: Random) -> str:
        numbers, target = _puzzle(path)
        if path.ask == "reflection":
            return _reflection(path)
        steps, left = _standing(path.thoughts, numbers)
        if len(left) == 1 or path.ask == "conclusion":
            conclusion = _conclusion(steps, left, numbers)
            return _garbled(conclusion, random) if _chance(self._options.garble, random) else conclusion
        tried = {thought.text for thought in path.tried}
        open_moves = [move for move in moves(left) if str(move) not in tried]
        if not open_moves:
            return _conclusion(steps, left, numbers)
        good = [move for move in open_moves if alive(move.rest, target)]
        guesses = random.random() < self._options.guess
        move = random.choice(open_moves if guesses or not good else good)
        if len(left) == 2 and _chance(self._options.wish, random):
            return str(replace(move, result=target, rest=(target,)))
        if _chance(self._options.misread, random):
            return str(_misread(left, random))
        if random.random() < self._options.slip:
            return str(_slipped(move, random))
        return str(move)


class CountdownOracle:
    """A critic that redoes the arithmetic and searches what is left, and so is never wrong, unless told to err.

    A step that is wrong in itself is reflected on and then left, whether or not one before it was wrong too: so what is
    left at once is always rightly computed, and only a dead end. The way back leads to the deepest thought from which
    the target can still be reached, unless told otherwise. A puzzle with no whole-number solution is given up.
    """

    def __init__(self, **options: Any) -> None:
        self._options = OracleOptions.model_validate(options)

    async def judge(self, path: Path) -> Verdict:
        decision = self._decide(path)
        if path.thoughts[-1].kind == "step":
            objects = isinstance(decision, Backtrack | Reflect)
            if objects and _chance(self._options.miss, _random(path)):
                decision = Continue()
            elif isinstance(decision, Continue) and _chance(self._options.alarm, _random(path)):
                decision = Backtrack(to=path.depth - 1, why="it looks wrong")
        return Verdict(decision)

    def _decide(self, path: Path) -> Decision:
        numbers, target = _puzzle(path)
        if not alive(numbers, target):
            return Terminate(reason="give_up", answer=f"no whole-number way to {target}")
        last = path.thoughts[-1]
        if last.answer is not None:
            ok, why = check_expression(last.answer, numbers, target)
            return Terminate(reason="solved") if ok else self._back(path, numbers, target, why)
        if last.kind == "reflection":
            return self._back(path, numbers, target, "that step was wrong")
        before = path.thoughts[:-1]
        _, left = _standing(before, numbers)
        move = parse_step(last.text)
        if move is None:
            return Reflect(why="not a step")
        ok, why = legal_step(left, move)
        if not ok:
            return Reflect(why=why)
        if not _sound(before, numbers) or not self._seems_alive(left, target):
            return self._back(path, numbers, target, "an earlier step is wrong")
        if self._seems_alive(move.rest, target):
            return Continue()
        return self._back(path, numbers, target, f"no way from {_spaced(move.rest)} to {target}")

    def _seems_alive(self, left: tuple[int, ...], target: int) -> bool:
        return len(left) > self._options.sight or alive(left, target)

    def _back(self, path: Path, numbers: tuple[int, ...], target: int, why: str) -> Backtrack:
        """To the deepest thought above the last one from which the target can still be reached, or to the start."""
        to = path.depth - 1 if self._options.back == "alive" else 0
        while to > 0:
            _, left = _standing(path.thoughts[:to], numbers)
            if (
                path.thoughts[to - 1].kind == "step"
                and alive(left, target)
                and _sound(path.thoughts[:to], numbers)
            ):
                break
            to -= 1
        return Backtrack(to=to, why=why)


def _random(path: Path) -> Random:
    """Random numbers that depend on the path and, in a debate, on its seed and on how often this was asked before."""
    digest = digest_of(
        path.problem.id, [t.thought.text for t in path.walk], path.tip, path.ask, len(path.retries)
    )
    tape = recorder.get()
    return Random(tape.key(digest)[1] if tape is not None else int.from_bytes(digest[:8]))


def _puzzle(path: Path) -> Puzzle:
    puzzle = puzzle_of(path.problem)
    if puzzle is None:
        raise UsageError(f"problem {path.problem.id}: the scripted Countdown seats need numbers and a target")
    return puzzle


def _conclusion(steps: list[Move], left: tuple[int, ...], numbers: tuple[int, ...]) -> str:
    """The steps as one expression. Where they do not hold it is written as if they did, and is then no solution."""
    if len(left) == 1:
        try:
            return f"answer: {conclude(steps, numbers)}"
        except ValueError:
            return f"answer: {_as_if(steps)}"
    return f"answer: {'+'.join(map(str, numbers))}"


def _as_if(steps: list[Move]) -> str:
    """The last step with the results of earlier ones written out."""
    texts: dict[int, str] = {}
    text = ""
    for step in steps:
        one, other = (texts.pop(n, str(n)) for n in (step.left, step.right))
        text = f"{one}{step.op}{other}"
        texts[step.result] = f"({text})"
    return text


def _standing(thoughts: tuple[Thought, ...], numbers: tuple[int, ...]) -> tuple[list[Move], tuple[int, ...]]:
    """The steps on the path and the numbers that they leave."""
    steps = [move for t in thoughts if t.kind == "step" and (move := parse_step(t.text)) is not None]
    return steps, steps[-1].rest if steps else numbers


def _sound(thoughts: tuple[Thought, ...], numbers: tuple[int, ...]) -> bool:
    left = numbers
    for thought in thoughts:
        move = parse_step(thought.text)
        if thought.kind != "step" or move is None or not legal_step(left, move)[0]:
            return False
        left = move.rest
    return True


def _chance(probability: float, random: Random) -> bool:
    return probability > 0 and random.random() < probability


def _misread(left: tuple[int, ...], random: Random) -> Move:
    """A step with one number that is there and one that is not, or not a second time."""
    one = random.choice(left)
    other = one if random.random() < 0.6 else max(1, random.choice(left) + random.choice((-10, -1, 1, 10)))
    big, small = max(one, other), min(one, other)
    results = {"+": big + small, "-": big - small, "*": big * small}
    op = random.choice(tuple(results))
    rest = list(left)
    rest.remove(one)
    rest.remove(random.choice(rest))
    return Move(op, big, small, results[op], (*rest, results[op]))


def _slipped(move: Move, random: Random) -> Move:
    wrong = move.result
    while wrong == move.result or wrong < 0:
        wrong = move.result + random.choice((-10, -2, -1, 1, 2, 10))
    rest = list(move.rest)
    rest[rest.index(move.result)] = wrong
    return replace(move, result=wrong, rest=tuple(rest))


def _garbled(conclusion: str, random: Random) -> str:
    """The conclusion with one number or operation drawn anew, an operation now and then as it was."""
    part = random.choice(list(re.finditer(r"[0-9]+|[-+*/]", conclusion)))
    if part[0].isdigit():
        new = str(max(1, int(part[0]) + random.choice((-10, -3, -2, -1, 1, 2, 3, 10))))
    else:
        new = random.choice("+-*/")
    return conclusion[: part.start()] + new + conclusion[part.end() :]


def _reflection(path: Path) -> str:
    """Redoes the last step's arithmetic."""
    last = next((t for t in reversed(path.thoughts) if t.kind == "step"), None)
    move = parse_step(last.text) if last else None
    if move is None:
        return "that is not a step"
    value = {
        "+": move.left + move.right,
        "-": move.left - move.right,
        "*": move.left * move.right,
        "/": move.left // move.right if move.right else 0,
    }[move.op]
    return f"{move.left}{move.op}{move.right}={value}"


def _spaced(numbers: tuple[int, ...]) -> str:
    return " ".join(map(str, numbers))
