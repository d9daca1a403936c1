from __future__ import annotations

import pytest

from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate
from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.rewards.countdown import (
    alive,
    check_expression,
    legal_step,
    parse_step,
    solutions,
)
from longthought.agents.seats.countdown_scripted import CountdownOracle, CountdownSearcher
from longthought.agents.thoughts import Path, straight_path

PUZZLES = [
    Problem(id=f"{i}-{target}", question="q", metadata={"numbers": numbers, "target": target})
    for i, numbers in enumerate([[29, 13, 2], [7, 3, 11], [25, 4, 9]])
    for target in range(10, 60)
    if alive(numbers, target)
]
PUZZLE = Problem(id="p", question="q", metadata={"numbers": [29, 13, 2], "target": 32})


def left_of(problem: Problem) -> tuple[tuple[int, ...], int]:
    return tuple(problem.metadata["numbers"]), problem.metadata["target"]


async def first_steps(**options: float) -> list[tuple[str, Problem]]:
    searcher = CountdownSearcher(**options)
    return [((await searcher.propose(Path(problem)))[0].text, problem) for problem in PUZZLES]


async def test_without_errors_every_step_leads_on() -> None:
    for text, problem in await first_steps(guess=0, slip=0):
        step, (numbers, target) = parse_step(text), left_of(problem)
        assert step is not None
        assert legal_step(numbers, step).ok
        assert alive(step.rest, target)


@pytest.mark.parametrize("option", ["slip", "misread"])
async def test_an_error_that_always_happens(option: str) -> None:
    said = await first_steps(**{"guess": 0, "slip": 0, option: 1})
    wrong = 0
    for text, problem in said:
        step = parse_step(text)
        assert step is not None
        wrong += not legal_step(left_of(problem)[0], step).ok
    # A misread number may by chance be another one that is there.
    assert wrong == len(said) if option == "slip" else wrong > 0.9 * len(said)


async def test_a_wish_is_a_last_step_that_claims_the_target() -> None:
    path = straight_path(PUZZLE, ["29+13=42 [2 42]"])
    (step,) = await CountdownSearcher(guess=1, slip=0, wish=1).propose(path)
    move = parse_step(step.text)
    assert move is not None
    assert (move.result, move.rest) == (32, (32,))


async def test_conclusions_are_right_unless_garbled() -> None:
    for garble in (0.0, 1.0):
        searcher, right = CountdownSearcher(garble=garble), 0
        for problem in PUZZLES:
            numbers, target = left_of(problem)
            steps = next(solutions(numbers, target))
            (said,) = await searcher.propose(straight_path(problem, [str(step) for step in steps]))
            right += check_expression(said.text.removeprefix("answer: "), numbers, target).ok
        assert right == len(PUZZLES) if garble == 0 else right < 0.25 * len(PUZZLES)


@pytest.mark.parametrize(
    ("steps", "decision"),
    [
        (["29-13=16 [2 16]"], Continue()),
        (["29-13=15 [2 15]"], Reflect(why="29-13 is 16, not 15")),
        (["thirteen"], Reflect(why="not a step")),
        (["29+13=42 [2 42]"], Backtrack(to=0, why="no way from 2 42 to 32")),
        # A step that is wrong in itself is told so first, even after a dead end.
        (["29+13=42 [2 42]", "42-2=32 [32]"], Reflect(why="42-2 is 40, not 32")),
        (["29+13=42 [2 42]", "42-2=40 [40]"], Backtrack(to=0, why="an earlier step is wrong")),
        (["29-13=16 [2 16]", "16-2=14 [14]"], Backtrack(to=1, why="no way from 14 to 32")),
        (["29-13=16 [2 16]", "16*2=32 [32]", "answer: (29-13)*2"], Terminate(reason="solved")),
        (
            ["29-13=16 [2 16]", "16*2=32 [32]", "answer: 29-13*2"],
            Backtrack(to=2, why="equals 3, not 32"),
        ),
    ],
)
async def test_the_oracle_is_never_wrong(steps: list[str], decision: Decision) -> None:
    answer = steps[-1].removeprefix("answer: ") if steps[-1].startswith("answer: ") else None
    path = straight_path(PUZZLE, steps, answer)
    assert (await CountdownOracle().judge(path)).decision == decision


async def test_the_oracle_gives_up_what_cannot_be_solved() -> None:
    hopeless = Problem(id="h", question="q", metadata={"numbers": [1, 1, 1], "target": 99})
    decision = (await CountdownOracle().judge(straight_path(hopeless, ["1+1=2 [1 2]"]))).decision
    assert isinstance(decision, Terminate)
    assert decision.reason == "give_up"


async def test_told_to_err_it_errs() -> None:
    fine, dead = (straight_path(PUZZLE, [step]) for step in ("29-13=16 [2 16]", "29+13=42 [2 42]"))
    assert (await CountdownOracle(miss=1).judge(dead)).decision == Continue()
    assert isinstance((await CountdownOracle(alarm=1).judge(fine)).decision, Backtrack)
    wrong = straight_path(PUZZLE, ["answer: 1"], "1")
    assert isinstance((await CountdownOracle(miss=1).judge(wrong)).decision, Backtrack)


async def test_what_is_out_of_sight_is_left_when_it_shows() -> None:
    """13*2 leaves 29 and 26, from which 32 cannot be reached; nobody who looks at results alone sees that."""
    dead, ended = ["13*2=26 [29 26]"], ["13*2=26 [29 26]", "29-26=3 [3]"]
    oracle, short = CountdownOracle(), CountdownOracle(sight=1)
    assert isinstance((await oracle.judge(straight_path(PUZZLE, dead))).decision, Backtrack)
    assert (await short.judge(straight_path(PUZZLE, dead))).decision == Continue()
    verdict = await short.judge(straight_path(PUZZLE, ended))
    assert verdict.decision == Backtrack(to=0, why="no way from 3 to 32")
    # A step that is wrong in itself is seen all the same.
    wrong = await short.judge(straight_path(PUZZLE, ["29-13=17 [2 17]"]))
    assert isinstance(wrong.decision, Reflect)


async def test_who_cannot_know_where_there_is_a_way_begins_again() -> None:
    ended = straight_path(PUZZLE, ["29-13=16 [2 16]", "16-2=14 [14]"])
    for back, to in (("alive", 1), ("start", 0)):
        verdict = await CountdownOracle(back=back).judge(ended)
        assert verdict.decision == Backtrack(to=to, why="no way from 14 to 32")


async def test_other_problems_are_refused() -> None:
    with pytest.raises(UsageError, match="need numbers and a target"):
        await CountdownSearcher().propose(Path(Problem(id="x", question="2+2?")))
