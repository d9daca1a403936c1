"""Where a text's final answer is found, in bounded time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longthought.agents.rewards.answer_text import find_answer, gold_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"So \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        (r"\boxed{1} no, \boxed{\left\{2\right\}}", r"\left\{2\right\}"),
        (r"\boxed{3} and then \boxed{4", "3"),
        ("16 - 3 = 13\n#### 18", "18"),
        ("answer: (29-13)*2", "(29-13)*2"),
        ("**Final Answer:** $x = 3$\n", "x = 3"),
        ("- Answer: 7.\nWell.", "7"),
        ("Hence the answer is 3.5. Let me check it.", "3.5"),
        ("The final answer is: 12", "12"),
        ("<answer> 4 </answer>", "4"),
        ("answer: 1\nanswer: 2", "2"),
        (r"Answer: $\boxed{5}$", "5"),
        ("#### 3\nThe answer is 4", "4"),
        (r"\boxed{3}" + "\nanswer: 4", "4"),
        ("my answer: no marker at the start of a line", None),
        ("there is nothing here", None),
        ("answer:   \n", None),
        (r"\boxed{}", None),
        ("", None),
    ],
)
def test_the_last_marker_wins(text: str, answer: str | None) -> None:
    assert find_answer(text) == answer


def test_gold_fields_may_be_bare_or_whole_solutions() -> None:
    assert gold_answer("She makes 9 * 2 = 18.\n#### 18") == "18"
    assert gold_answer(r" \frac12 ") == r"\frac12"


@given(st.text(alphabet="\\boxed{}answer: #is the<>/$*\n", max_size=400))
def test_any_text_gives_a_bare_answer_or_none(text: str) -> None:
    answer = find_answer(text)
    assert answer is None or answer == answer.strip() != ""


@pytest.mark.parametrize(
    "piece",
    ["\\boxed{", "\\boxed{{", "answer:", "the answer is ", "####", "<answer>", "{", "*", "answer: \n", " "],
)
def test_long_texts_take_no_time(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    started = time.perf_counter()
    find_answer(text)
    assert time.perf_counter() - started < 1.0
