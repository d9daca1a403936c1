"""The evaluator agrees with exact fractions, and nothing outside its grammar gets through."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longthought.agents.rewards.arithmetic import MAX_LENGTH, NotArithmetic, evaluate

Expression = tuple[str, Fraction | None]

_numbers = st.integers(0, 99).map(lambda n: (str(n), Fraction(n)))


def _combine(parts: tuple[Expression, str, Expression, str]) -> Expression:
    (left, a), op, (right, b), space = parts
    text = f"({left}{space}{op}{space}{right})"
    if a is None or b is None or (op == "/" and b == 0):
        return text, None
    return text, {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else None}[op]


_expressions = st.recursive(
    _numbers,
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner, st.sampled_from(["", " "])).map(_combine),
    max_leaves=12,
)


@given(_expressions)
def test_agrees_with_exact_arithmetic(expression: Expression) -> None:
    text, expected = expression
    if expected is None:
        with pytest.raises(NotArithmetic, match="division by zero"):
            evaluate(text)
    else:
        assert evaluate(text).value == expected


@given(st.lists(st.tuples(st.sampled_from("+-*/"), st.integers(1, 30)), max_size=6), st.integers(0, 30))
def test_precedence_is_that_of_arithmetic(tail: list[tuple[str, int]], first: int) -> None:
    total, product, sign = Fraction(0), Fraction(first), 1
    for op, number in tail:
        if op in "*/":
            product = product * number if op == "*" else product / number
        else:
            total, product, sign = total + sign * product, Fraction(number), 1 if op == "+" else -1
    text = str(first) + "".join(f"{op}{number}" for op, number in tail)
    assert evaluate(text).value == total + sign * product
    assert evaluate(text).numbers == (first, *(number for _, number in tail))


@given(st.text(alphabet="0123456789+-*/(). xe_\n", max_size=MAX_LENGTH + 20))
def test_any_text_is_evaluated_or_refused(text: str) -> None:
    try:
        value, numbers = evaluate(text)
    except NotArithmetic:
        return
    assert isinstance(value, Fraction)
    assert all(str(number) in text for number in numbers)


HOSTILE = ["(" * 60 + "1" + ")" * 60, "1+" * 150 + "1", "__import__('os')", "١+٢", "-" * 80 + "1"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        *HOSTILE,
        "2**3",
        "7//2",
        "1.5",
        "2(3)",
        "(1+2",
        "1+2)",
        "1,2",
        "x",
        "9^9",
        "()",
        "07",
        "1 2",
        "+3",
        "1e3",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(NotArithmetic):
        evaluate(text)
