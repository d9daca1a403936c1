"""Critic SFT rows from labelled solutions: each step as a debate would show it, and the verdict that it deserves.

A right step is continued, a right last step with an answer ends the debate as solved, the first wrong step is objected
to and ends the row. The loss covers the verdicts only, each once, for the steps are not the critic's to learn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, cast

from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate
from longthought.agents.seats.context import Context
from longthought.synth.labelled.record import LabelledSolution
from longthought.synth.rows import RowMessage, SftRow

#: How a critic objects: asks for a reflection, or goes back to before the step.
Objection = Literal["reflect", "backtrack"]


def critic_row(
    solution: LabelledSolution,
    context: Context,
    *,
    problem: str,
    why: str = "",
    objection: Objection = "reflect",
) -> SftRow | None:
    """The row of one solution, up to the first step that is wrong or without a label; None where nothing is labelled.

    ``problem`` is the id of the problem that it solves, ``why`` says what is wrong with the wrong step.
    """
    labels = solution.labels
    end = next((i for i, label in enumerate(labels) if label in (None, "wrong")), len(labels))
    wrong = end < len(labels) and labels[end] == "wrong"
    if end + wrong == 0:
        return None
    path = solution.path().prefix(end + wrong)
    decision: Decision = Continue()
    if wrong:
        decision = Reflect(why=why) if objection == "reflect" else Backtrack(to=end, why=why)
    elif path.answer is not None:
        decision = Terminate(reason="solved")
    judged = replace(path, walk=(*path.walk[:-1], replace(path.walk[-1], decision=decision)))
    said = context.thread(judged, "critic")
    return SftRow(
        id=solution.id,
        problem=problem,
        run="",
        outcome="tampered" if wrong else "right",
        informed=False,
        messages=[cast("RowMessage", {"role": m.role, "content": m.content}) for m, _, _ in said],
        trained=[part == "verdict" for _, _, part in said],
    )
