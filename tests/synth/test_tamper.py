from __future__ import annotations

from pathlib import Path

import pytest

from longthought.agents.problems import Problem
from longthought.agents.prompts import Prompts
from longthought.agents.rewards.countdown_step import CountdownStepRule
from longthought.agents.seats.context import Context
from longthought.synth.derive.critic_rows import critic_row
from longthought.synth.derive.rows import SftRow
from longthought.synth.labelled.read import read_labelled
from longthought.synth.labelled.record import LabelledSolution
from longthought.synth.tamper.countdown import CountdownTamperer
from longthought.synth.tamper.fault import KINDS
from longthought.synth.tamper.plant import right_countdown, tampered
from longthought.synth.tamper.text import TextTamperer

DATA = Path(__file__).parents[3] / "shared" / "data"
PUZZLES = [
    Problem(id=f"{a}-{b}-{c}", question="q", metadata={"numbers": [a, b, c], "target": target})
    for a, b, c, target in [(29, 13, 2, 32), (25, 5, 7, 35), (3, 4, 12, 36), (28, 4, 9, 16), (30, 6, 11, 16)]
]


def rights() -> list[LabelledSolution]:
    return [one for seed in range(8) for p in PUZZLES if (one := right_countdown(p, seed)) is not None]


async def test_every_countdown_fault_is_where_it_is_said_to_be() -> None:
    rule = CountdownStepRule()
    planted: set[str] = set()
    for right in rights():
        assert [r.label for r in await rule.read_steps(right.path())] == ["correct"] * len(right.steps)
        for one in tampered(right, KINDS):
            readings = await rule.read_steps(one.solution.path())
            at = one.fault.at
            assert one.solution.first_error == at
            assert [r.label for r in readings[: at + 1]] == ["correct"] * at + ["incorrect"]
            assert (one.solution.kinds[at], readings[at].why) == (one.fault.kind, one.fault.why)
            planted.add(one.fault.kind)
    assert planted == set(CountdownTamperer.kinds)


def test_faults_do_not_depend_on_what_else_is_planted() -> None:
    right = rights()[0]
    every = {one.fault.kind: one for one in tampered(right, KINDS, seed=3)}
    assert [every["operator"]] == list(tampered(right, ["operator"], seed=3))
    assert any(list(tampered(one, KINDS, 1)) != list(tampered(one, KINDS, 2)) for one in rights())


STEPS = (
    "Natalia sold 48/2 = 24 clips in 2 hours.",
    "Together that is 48+24 = 72 clips.",
    "The answer is 72",
)
SOLD = LabelledSolution(id="n", question="Natalia sold 48 clips.", steps=STEPS, labels=("right",) * 3)


def test_text_faults_break_just_their_step() -> None:
    found = {one.fault.kind: one for one in tampered(SOLD, KINDS)}
    assert set(found) == set(TextTamperer.kinds)
    for kind in ("number", "operator", "sign", "copied_wrong", "wrong_unit"):
        steps, at = found[kind].fault.steps, found[kind].fault.at
        assert [i for i, (a, b) in enumerate(zip(STEPS, steps, strict=True)) if a != b] == [at]
    assert "minutes" in found["wrong_unit"].fault.steps[0]
    assert found["swapped"].fault.steps == (STEPS[1], STEPS[0], STEPS[2])
    assert found["jump"].fault.steps == STEPS[1:]
    assert found["jump"].fault.why == "24 comes from a step that is not there"
    assert (
        found["repeated"].fault.at
        == found["repeated"].fault.steps.index(found["repeated"].fault.steps[found["repeated"].fault.at]) + 1
    )


@pytest.mark.parametrize("text", ["about 10/3 = 5 each", "no equation", "5 = 5", "1/0 = 0", "2+2 = 5"])
def test_nothing_is_planted_into_what_does_not_hold(text: str) -> None:
    solution = LabelledSolution(id="n", question="q", steps=(text,), labels=("right",))
    assert list(tampered(solution, ["operator", "sign", "copied_wrong", "swapped", "jump"])) == []


def test_gsm8k_solutions_take_every_text_fault() -> None:
    file = DATA / "gsm8k" / "test.jsonl"
    if not file.is_file():
        pytest.skip("gsm8k is not here")
    kinds = [one.fault.kind for right in list(read_labelled(file))[:200] for one in tampered(right, KINDS)]
    assert all(kinds.count(kind) >= 50 for kind in TextTamperer.kinds)


def test_critic_rows_teach_verdicts_up_to_the_fault() -> None:
    context = Context(Prompts("terse"), "shared")
    right = rights()[0]
    row = critic_row(right, context, problem=right.id)
    assert _taught(row) == ["continue", "continue", "terminate solved"]
    (one,) = tampered(right, ["number"])
    row = critic_row(one.solution, context, problem=right.id, why=one.fault.why)
    assert _taught(row)[-1] == f"reflect: {one.fault.why}"
    row = critic_row(one.solution, context, problem=right.id, why=one.fault.why, objection="backtrack")
    assert _taught(row)[-1] == f"backtrack {one.fault.at}: {one.fault.why}"


def test_a_critic_row_ends_before_what_nobody_labelled() -> None:
    solution = LabelledSolution(id="x", question="q", steps=("a", "b"), labels=("right", None))
    row = critic_row(solution, Context(Prompts("default")), problem="x")
    assert _taught(row) == ["continue"]
    unknown = LabelledSolution(id="x", question="q", steps=("a", "b"), labels=(None, "right"))
    assert critic_row(unknown, Context(Prompts("default")), problem="x") is None


def _taught(row: SftRow | None) -> list[str]:
    assert row is not None
    return [m["content"] for m, flag in zip(row.messages, row.trained, strict=True) if flag]
