"""Multiple choice: one letter, however it is said; several or none are unscored."""

from __future__ import annotations

import time
from typing import Any

import pytest

from longthought.agents.problems import Problem
from longthought.agents.rewards.multiple_choice_scorer import MultipleChoiceScorer

CHOICES = ["Rome", "Paris", "A town", "None of B and C"]


def _problem(gold: str, choices: Any = None) -> Problem:
    metadata = {} if choices is None else {"choices": choices}
    return Problem(id="p", question="q", gold=gold, scorer="multiple-choice", metadata=metadata)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Answer: B", "B"),
        (r"so \boxed{B}", "B"),
        ("The answer is (B) Paris.", "(B) Paris"),
        ("Rome is not.\n\n(B)", "(B)"),
        ("Rome is not.\nSo **(b)**.", None),
        ("Rome is not.\nTherefore (B).", "(B)"),
        ("Look at (B) first.", None),
        ("B", None),
    ],
)
def test_the_answer_in_a_text(text: str, answer: str | None) -> None:
    assert MultipleChoiceScorer().extract(text) == answer


@pytest.mark.parametrize(
    "answer",
    [
        "B",
        "b",
        "(B)",
        "B.",
        "B)",
        "**B**",
        "$B$",
        r"\text{B}",
        "Option B",
        "paris",
        "B) Paris",
        "B: Paris",
        "choice (B)",
    ],
)
async def test_ways_to_say_b(answer: str) -> None:
    scorer = MultipleChoiceScorer()
    assert (await scorer.score(answer, _problem("B", CHOICES))).value == 1.0
    assert (await scorer.score(answer, _problem("C", CHOICES))).value == 0.0


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("B or C", "several choices: B, C"),
        ("A or B", "several choices: A, B"),
        ("(A) and (B)", "several choices: A, B"),
        ("B) Rome", "several choices: A, B"),
        ("A good question", "no choice"),
        ("London", "no choice"),
        ("E", "no choice"),
        ("", "no choice"),
        ("1", "no choice"),
        ("x" * 9000, "too long"),
    ],
)
async def test_several_or_none_are_unscored(answer: str, why: str) -> None:
    reading = await MultipleChoiceScorer().score(answer, _problem("B", CHOICES))
    assert reading.unscored
    assert why in reading.why


@pytest.mark.parametrize(
    ("gold", "choices"),
    [
        ("B", None),
        ("B", CHOICES),
        ("1", CHOICES),
        ("Paris", CHOICES),
        ("#### B", CHOICES),
        ("b", {"A": "Rome", "B": "Paris"}),
        ("B", {"label": ["A", "B"], "text": ["Rome", "Paris"]}),
    ],
)
async def test_ways_to_give_the_gold_answer(gold: str, choices: Any) -> None:
    assert (await MultipleChoiceScorer().score("B", _problem(gold, choices))).value == 1.0
    assert (await MultipleChoiceScorer().score("A", _problem(gold, choices))).value == 0.0


async def test_a_gold_answer_that_names_no_choice_is_unscored() -> None:
    scorer = MultipleChoiceScorer()
    assert "no choice" in (await scorer.score("B", _problem("London", CHOICES))).why
    assert (await scorer.score("B", Problem(id="p", question="q"))).unscored
    # A choice that is a number is meant by its text, not as an index.
    assert (await scorer.score("C", _problem("1", ["0", "2", "1"]))).value == 1.0


@pytest.mark.parametrize("piece", ["(", "(A", "B ", r"\text{", "option ", "A or "])
async def test_long_answers_take_linear_time(piece: str) -> None:
    scorer, started = MultipleChoiceScorer(), time.process_time()
    text = piece * (100_000 // len(piece))
    scorer.extract(text)
    await scorer.score(text[:8000], _problem("B", CHOICES))
    assert time.process_time() - started < 2.0
