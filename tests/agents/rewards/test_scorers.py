"""Scorers: right, wrong, unscored; and answers that attack them (faults.md F14, S1, S2)."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.answer_reward import AnswerReward
from longthought.agents.rewards.contract import Scorer
from longthought.agents.rewards.math_verify_scorer import WARM, MathVerifyScorer
from longthought.agents.rewards.pool import ScoringPool
from longthought.agents.rewards.reasoning_gym_scorer import ReasoningGymScorer, is_arithmetic
from longthought.agents.rewards.scorers import scorer_named
from longthought.agents.thoughts import Path as ThoughtPath
from longthought.agents.thoughts import Thought

DATA = Path(__file__).parents[4] / "shared" / "data"


def _gym(task: str, answer: str, **metadata: Any) -> Problem:
    entry = {"question": "q", "answer": answer, "metadata": {"source_dataset": task, **metadata}}
    return Problem(
        id="p", question="q", gold=answer, scorer=f"reasoning-gym:{task}", metadata={"entry": entry}
    )


COUNTDOWN = _gym("countdown", "(29-13)*2", numbers=[29, 13, 2], target=32)


def _said(reading: Reading) -> str:
    return str(reading).partition(": ")[2]


@pytest.mark.parametrize(
    ("gold", "answer", "said"),
    [
        ("Natalia sold 48/2 = 24.\n#### 72", "72", "1.00"),
        ("18", "36/2", "1.00"),
        ("18", "18 dollars", "1.00"),
        ("18", r"\$18.00", "1.00"),
        (r"\frac{1}{2}", "0.5", "1.00"),
        (r"\left( 3, \frac{\pi}{2} \right)", r"(3,\frac{\pi}{2})", "1.00"),
        (r"\text{Evelyn}", "Evelyn", "1.00"),
        ("18", "17", "0.00"),
        ("18", "", "0.00"),
        ("3", "3 or 4", "0.00"),
        ("18", "9" * 5000, "unscored (the answer is too long: 5000 bytes, at most 4096 are scored)"),
    ],
)
async def test_math_verify(gold: str, answer: str, said: str) -> None:
    problem = Problem(id="p", question="q", gold=gold)
    assert _said(await MathVerifyScorer().score(answer, problem)) == said


async def test_exact_and_none() -> None:
    problem = Problem(id="p", question="q", gold="#### New  York")
    exact = scorer_named("exact")
    assert _said(await exact.score("new york.", problem)) == "1.00"
    assert _said(await exact.score("york", problem)) == "0.00"
    assert (await exact.score("york", Problem(id="p", question="q"))).unscored
    none = scorer_named("none")
    assert none.extract("answer: 4") == "4"
    assert (await none.score("4", problem)).unscored


@pytest.mark.parametrize("name", ["countdown", "reasoning-gym:countdown"])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("(29-13)*2", "1.00"),
        ("2*29-2*13", "0.00 (uses 2 29 2 13 instead of 29 13 2)"),
        ("29+13+2", "0.00 (equals 44, not 32)"),
        ("(29-13)**2", "0.00 (not an arithmetic expression: unexpected '*')"),
        ("32", "0.00 (uses 32 instead of 29 13 2)"),
    ],
)
async def test_countdown(name: str, answer: str, said: str) -> None:
    scorer = scorer_named(name)
    assert not scorer.uses_gold
    assert _said(await scorer.score(answer, COUNTDOWN)) == said


async def test_other_tasks_are_scored_by_their_own_scorers() -> None:
    gcd = ReasoningGymScorer("gcd")
    assert gcd.uses_gold
    assert _said(await gcd.score("12", _gym("gcd", "12"))) == "1.00"
    assert _said(await gcd.score("so it is 12", _gym("gcd", "12"))) == f"{2 / 11:.2f}"
    assert _said(await gcd.score("13", _gym("gcd", "12"))) == "0.00"


async def test_a_task_that_would_run_the_answer_only_sees_arithmetic() -> None:
    integral = _gym("simple_integration", "x**2 + C", integrand="2*x", variable="x")
    scorer = ReasoningGymScorer("simple_integration")
    assert _said(await scorer.score("x**2 + C", integral)) == "1.00"
    assert (await scorer.score("C + x**2", integral)).unscored
    spiral = _gym("spiral_matrix", "1 2 3")
    assert _said(await ReasoningGymScorer("spiral_matrix").score("1 2 3", spiral)) == "1.00"
    assert (
        _said(await ReasoningGymScorer("spiral_matrix").score("['1']", spiral))
        == "0.00 (not an arithmetic expression)"
    )
    assert is_arithmetic("(1 + 2)/3.0")
    assert not any(map(is_arithmetic, ["2**9", "7//2", "x", "1\n", "", "1" * 201]))


async def test_an_unknown_task_is_unscored() -> None:
    reading = await ReasoningGymScorer("no_such_task").score("1", _gym("no_such_task", "2"))
    assert reading.unscored
    assert "not registered" in reading.why


async def test_the_answer_reward_reads_the_answer_that_stands() -> None:
    reward = AnswerReward(scorer_named("countdown"))
    assert (await reward.read(ThoughtPath(COUNTDOWN))).why == "no answer yet"
    thought = Thought(id=1, parent=0, kind="conclusion", text="answer: (29-13)*2", answer="(29-13)*2")
    assert str(await reward.read(ThoughtPath(COUNTDOWN, (thought,)))) == "answer: 1.00"
    assert not reward.uses_gold
    assert AnswerReward(scorer_named("exact")).uses_gold


def test_an_unknown_scorer_is_named_with_those_there_are() -> None:
    with pytest.raises(
        UsageError, match=r"no scorer 'math-verfy', did you mean math-verify.*reasoning-gym:TASK"
    ):
        scorer_named("math-verfy")
    with pytest.raises(UsageError, match="no scorer 'reasoning-gym:'"):
        scorer_named("reasoning-gym:")


BOMBS = [
    "9^{9^{9^{9}}}",
    "9**9**9",
    "2^{2^{40}}",
    "(1+x)^{100000}",
    "9" * 20_000,
    "(" * 1500 + "1" + ")" * 1500,
    "{" * 500,
    "1," * 1900,
    r"\sqrt{" * 500 + "2" + "}" * 500,
    "10^{10^{10}}-10^{10^{10}}",
]


async def _grade(answers: int, bombs: int) -> None:
    random = Random(1)
    work = [(str(i * 2), str(i * 2 + i % 3), i % 3 == 0) for i in range(answers - bombs)]
    problems = [
        (Problem(id="p", question="q", gold=gold), f"{answer}/1", right) for gold, answer, right in work
    ]
    hostile = [(Problem(id="p", question="q", gold="7"), BOMBS[i % len(BOMBS)], None) for i in range(bombs)]
    mixed = [*problems, *hostile]
    random.shuffle(mixed)
    pool = ScoringPool([WARM])
    scorer = MathVerifyScorer(pool)
    try:
        await scorer.score("1/1", mixed[0][0])
        started = time.monotonic()
        readings = await asyncio.gather(*(scorer.score(answer, problem) for problem, answer, _ in mixed))
        took = time.monotonic() - started
    finally:
        await asyncio.to_thread(pool.close)
    for reading, (_, answer, right) in zip(readings, mixed, strict=True):
        if right is None:
            assert reading.value != 1.0, answer[:40]
        else:
            assert reading.value == float(right), (answer, reading)
    assert took < (bombs + 1) * (pool.timeout + 0.5) + answers * 0.05


async def test_bombs_cost_their_timeout_and_no_benign_answer_is_lost() -> None:
    await _grade(answers=160, bombs=8)


def _bombs() -> list[str]:
    """S2: a hundred, in ten kinds: towers of powers, factorials, long numbers, deep nesting, long lists."""
    kinds: list[Callable[[int], str]] = [
        lambda n: "^{".join(["9"] * (n + 3)) + "}" * (n + 2),
        lambda n: "**".join(["9"] * (n + 3)),
        lambda n: f"{n + 90}!" + "!" * (n + 2),
        lambda n: "9" * (1000 * (n + 11)),
        lambda n: "(" * (100 * (n + 5)) + "1" + ")" * (100 * (n + 5)),
        lambda n: "{" * (50 * (n + 5)),
        lambda n: "1," * (180 * (n + 1)),
        lambda n: r"\sqrt{" * (60 * (n + 1)) + "2" + "}" * (60 * (n + 1)),
        lambda n: rf"\sum_{{k=1}}^{{10^{{{n + 8}}}}} k^{{{n + 50}}}",
        lambda n: f"(1+x)^{{{10 ** (n + 5)}}}",
    ]
    return [kind(n) for kind in kinds for n in range(10)]


async def _survives(scorer: Scorer, problem: Problem, bombs: list[str], benign: str) -> None:
    """Every bomb is refused, or killed in time, and right answers among them stay right."""
    answers = [answer for bomb in bombs for answer in (bomb, benign)]

    async def timed(answer: str) -> tuple[Reading, float]:
        extracted = scorer.extract(rf"\boxed{{{answer}}}") or answer
        started = time.monotonic()
        return await scorer.score(extracted, problem), time.monotonic() - started

    await timed(benign)
    for first in range(0, len(answers), 4):
        for answer, (reading, took) in zip(
            answers[first : first + 4],
            await asyncio.gather(*map(timed, answers[first : first + 4])),
            strict=True,
        ):
            assert (reading.value == 1.0) == (answer == benign), (answer[:60], reading)
            assert took < 3 * (2.0 + 1.5), answer[:60]


#: Scorers that a bomb could hurt, with a problem and a right answer each.
TARGETS = {
    "exact": (Problem(id="p", question="q", gold="7"), "7"),
    "math-verify": (Problem(id="p", question="q", gold="77777"), "77777/1"),
    "multiple-choice": (Problem(id="p", question="q", gold="B"), "(B)"),
    "countdown": (COUNTDOWN, "(29-13)*2"),
    "reasoning-gym:countdown": (COUNTDOWN, "(29-13)*2"),
    "reasoning-gym:polynomial_multiplication": (_gym("polynomial_multiplication", "x**2 - 1"), "x**2 - 1"),
}


@pytest.mark.parametrize("name", ["exact", "multiple-choice", "countdown"])
async def test_a_hundred_bombs_in_this_process_cost_nothing(name: str) -> None:
    assert len(set(_bombs())) == 100
    started = time.process_time()
    await _survives(scorer_named(name), *TARGETS[name][:1], _bombs(), TARGETS[name][1])
    assert time.process_time() - started < 2.0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [name for name in TARGETS if name.startswith(("math", "reasoning"))])
async def test_a_hundred_bombs_leave_the_pool_alive(name: str) -> None:
    await _survives(scorer_named(name), *TARGETS[name][:1], _bombs(), TARGETS[name][1])


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", [name for name in TARGETS if name != "math-verify"])
async def test_a_thousand_answers_lose_no_benign_one_whatever_the_scorer(name: str) -> None:
    """F14 for the scorers that ``_grade`` does not try."""
    problem, benign = TARGETS[name]
    scorer, bombs = scorer_named(name), _bombs()
    answers = [bombs[i // 10] if i % 20 == 0 else benign for i in range(1000)]
    readings = await asyncio.gather(*(scorer.score(answer, problem) for answer in answers))
    assert [reading.value == 1.0 for reading in readings] == [answer == benign for answer in answers]


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_thousand_answers_of_which_one_in_twenty_is_a_bomb() -> None:
    await _grade(answers=1000, bombs=50)


def _payloads(canary: Path, port: int) -> list[str]:
    touch = f"touch {canary}"
    dial = f"__import__('socket').create_connection(('127.0.0.1', {port}))"
    codes = [
        f"__import__('os').system('{touch}')",
        f"__import__('subprocess').run('{touch}', shell=True)",
        f"open('{canary}', 'w')",
        f"__import__('pathlib').Path('{canary}').touch()",
        f"eval(\"open('{canary}', 'w')\")",
        f"exec(\"open('{canary}', 'w')\")",
        f"(lambda: open('{canary}', 'w'))()",
        f"[c for c in ().__class__.__base__.__subclasses__() if 'Popen' in str(c)][0]('{touch}', shell=True)",
        dial,
        f"sympify(\"open('{canary}', 'w')\")",
    ]
    frames = [
        "{}", "1+{}", r"\boxed{{{}}}", "${}$", r"\text{{{}}}", "({})*2", "{} #", "x={}", "[{}]",
        "'1'.join({})", "{}\n(29-13)*2", "(29-13)*2 if {} else 1", r"\frac{{{}}}{{2}}", "f'{{{}}}'",
        "Answer: {}", "{};1", "1,{}", "{}=1", "#### {}", "(29-13)*2+0*{}",
    ]  # fmt: skip
    return [frame.format(code) for code in codes for frame in frames]


@pytest.mark.parametrize(
    ("scorer", "problem"),
    [
        ("exact", Problem(id="p", question="q", gold="1")),
        ("math-verify", Problem(id="p", question="q", gold="77777")),
        ("multiple-choice", Problem(id="p", question="q", gold="B", metadata={"choices": ["x", "y"]})),
        ("countdown", COUNTDOWN),
        ("reasoning-gym:countdown", COUNTDOWN),
        ("reasoning-gym:puzzle24", _gym("puzzle24", "(1+3)*6", numbers=[1, 3, 6, 1])),
        ("reasoning-gym:polynomial_multiplication", _gym("polynomial_multiplication", "x**2 - 1")),
        ("reasoning-gym:string_insertion", _gym("string_insertion", "ABC")),
    ],
)
async def test_code_in_answers_never_runs(scorer: str, problem: Problem, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        payloads = _payloads(canary, listener.getsockname()[1])
        assert len(payloads) == 200
        judge = scorer_named(scorer)
        readings = await asyncio.gather(
            *(judge.score(judge.extract(text) or text, problem) for text in payloads)
        )
        assert all(reading.value is None or reading.value < 1.0 for reading in readings)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert list(tmp_path.iterdir()) == []


def _rows(path: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (DATA / path).read_text().split("\n") if line]


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data are not here")
async def test_gold_solutions_of_real_problems_are_right_and_others_wrong() -> None:
    scorer = MathVerifyScorer()
    right: list[Awaitable[Reading]] = []
    wrong: list[Awaitable[Reading]] = []
    for row in _rows("gsm8k/test.jsonl")[:100]:
        problem = Problem(id="p", question=row["question"], gold=row["answer"])
        answer = scorer.extract(row["answer"])
        assert answer is not None
        right.append(scorer.score(f"{answer}.0", problem))
        wrong.append(scorer.score(str(int(answer.replace(",", "")) + 1), problem))
    for row in _rows("math500/test.jsonl"):
        assert scorer.extract(row["solution"]) == row["answer"]
        problem = Problem(id="p", question=row["problem"], gold=row["answer"])
        right.append(scorer.score(row["answer"], problem))
    assert {reading.value for reading in await asyncio.gather(*right)} == {1.0}
    assert {reading.value for reading in await asyncio.gather(*wrong)} == {0.0}
