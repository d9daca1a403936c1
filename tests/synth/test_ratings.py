"""What people said of steps that they imported us is not contradicted by any kind of row."""

from __future__ import annotations

from pathlib import Path

import pytest

from longthought.agents.decisions import Backtrack
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.critique import Critique
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.hindsight import hindsight
from longthought.synth.derive.rows import StepRow
from longthought.synth.derive.step_labels import StepLabels
from tests.synth.imported import one


def _rated(directory: Path, wrong: int, *steps: str) -> Transcript:
    return one(
        directory, {"problem": "6*7?", "steps": list(steps), "label": wrong, "final_answer_correct": True}
    )


@pytest.mark.parametrize(("wrong", "labels"), [(1, [True, False]), (2, [True, True, False])])
def test_a_step_rated_wrong_is_wrong_wherever_it_stands(
    tmp_path: Path, wrong: int, labels: list[bool]
) -> None:
    transcript = _rated(tmp_path, wrong, "6*7", "is 41, no", "is \\boxed{42}")
    assert transcript.right
    (row,) = StepLabels().rows([transcript])
    assert isinstance(row, StepRow)
    assert row.labels == labels
    rated = transcript.thoughts[wrong].id
    assert rated not in hindsight(transcript)
    assert list(Critique().rows([transcript])) == [Dropped("nothing that the tree bears out")]


def test_an_end_that_the_scorer_refused_too_is_known_to_be_wrong(tmp_path: Path) -> None:
    row = {"problem": "6*7?", "steps": ["6*7", "is \\boxed{41}"], "label": 1, "final_answer_correct": False}
    transcript = one(tmp_path, row)
    deserved = hindsight(transcript)[transcript.thoughts[1].id]
    assert isinstance(deserved, Backtrack)
    assert (deserved.to, deserved.why) == (1, "the answer 41 is wrong")


def test_steps_without_a_wrong_one_are_right(tmp_path: Path) -> None:
    transcript = _rated(tmp_path, -1, "6*7", "is \\boxed{42}")
    (row,) = StepLabels().rows([transcript])
    assert isinstance(row, StepRow)
    assert row.labels == [True, True]
    assert len(hindsight(transcript)) == 2
