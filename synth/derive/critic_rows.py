"""Critic SFT rows from judged paths and labelled solutions: steps as a debate would show them, and their verdicts.

Of a labelled solution, a right step is continued, a right last step with an answer ends the debate as solved, the
first wrong step is objected to and ends the row. The loss covers the verdicts only, each once, for the steps are not
the critic's to learn.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Literal, cast

from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate
from longthought.agents.seats.context import Context
from longthought.agents.thoughts import Path
from longthought.synth.derive.rows import Provenance, RowMessage, SftRow
from longthought.synth.labelled.record import LabelledSolution

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
    return verdicts_row(
        judged,
        context,
        {turn.thought.id for turn in judged.walk},
        id=solution.id,
        origin={
            "problem": problem,
            "run": "",
            "outcome": "tampered" if wrong else "right",
            "informed": False,
        },
    )


def verdicts_row(
    path: Path,
    context: Context,
    learn: Collection[int],
    *,
    id: str,
    origin: Provenance,
) -> SftRow:
    """A judged path as the critic is shown it, with loss on the verdicts on the thoughts in ``learn``.

    ``id`` and ``origin`` are the row's columns.
    """
    said = context.thread(path, "critic")
    return SftRow(
        id=id,
        **origin,
        messages=[cast("RowMessage", {"role": m.role, "content": m.content}) for m, _, _ in said],
        trained=[
            part == "verdict" and turn is not None and turn.thought.id in learn for _, turn, part in said
        ],
    )
