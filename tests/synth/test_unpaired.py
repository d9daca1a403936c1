"""Rows that say right or wrong of one solution each, and the control without a thought."""

from __future__ import annotations

from pathlib import Path

from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.kinds import derivation
from longthought.synth.derive.rows import OutcomeRow, SftRow, UnpairedRow
from longthought.synth.labelled.read import labelled_row
from tests.synth.scripted_runs import DETOURS, Script, transcript_of

WRONG = Script(["2+2 is 5", "answer: 5"], ["continue", "terminate solved"], epoch=1)
GAVE_UP = Script(["hm"], ["terminate give_up: no idea"], epoch=2)
TOLD = Script(
    ["answer: 5", "one too many", "answer: 4"],
    ["terminate solved", "backtrack 0: no", "terminate solved"],
    epoch=3,
)


def samples(tmp_path: Path) -> list[Transcript]:
    return [transcript_of(tmp_path / str(i), script) for i, script in enumerate((DETOURS, WRONG, GAVE_UP))]


def test_kto_labels_every_scored_sample(tmp_path: Path) -> None:
    right, wrong, dropped = derivation("kto", {"of": "shortcut"}).rows(samples(tmp_path))
    assert isinstance(right, UnpairedRow)
    assert isinstance(wrong, UnpairedRow)
    assert (right.label, wrong.label) == (True, False)
    assert right.prompt == [{"role": "user", "content": "p: 2+2?"}]
    assert right.completion[0]["content"] == "<think>\n2+2 is 4\nanswer: 4\n</think>\n\nAnswer: 4"
    assert wrong.completion[0]["content"].endswith("Answer: 5")
    assert dropped == Dropped("neither right nor wrong")


def test_outcome_labels_are_solutions_that_the_labelled_formats_read(tmp_path: Path) -> None:
    right, wrong, dropped = derivation("outcome_labels").rows(samples(tmp_path))
    assert isinstance(right, OutcomeRow)
    assert isinstance(wrong, OutcomeRow)
    assert right.completions == ["2+2 is 4", "answer: 4"]
    (solution,) = labelled_row(right.model_dump(), "row", "row 1")
    assert (solution.id, solution.steps, solution.answer_right) == ("p#0/6", ("2+2 is 4", "answer: 4"), True)
    assert solution.labels == (None, None)
    (solution,) = labelled_row(wrong.model_dump(), "row", "row 2")
    assert solution.answer_right is False
    assert dropped == Dropped("no answer that was scored")


def test_an_answer_refused_on_the_way_is_a_solution_of_its_own(tmp_path: Path) -> None:
    made = list(derivation("outcome_labels").rows([transcript_of(tmp_path, TOLD, tell=True)]))
    assert [(row.completions, row.answer_right) for row in made if isinstance(row, OutcomeRow)] == [
        (["answer: 5"], False),
        (["answer: 4"], True),
    ]
    assert all(row.informed for row in made if isinstance(row, OutcomeRow))


def test_the_same_solution_counts_once(tmp_path: Path) -> None:
    again = transcript_of(tmp_path / "again", Script(WRONG.steps, WRONG.verdicts, epoch=4))
    made = list(derivation("outcome_labels").rows([transcript_of(tmp_path / "one", WRONG), again]))
    assert isinstance(made[0], OutcomeRow)
    assert made[1] == Dropped("same as another solution")


def test_answer_only_has_no_thought(tmp_path: Path) -> None:
    debates = samples(tmp_path)
    right, wrong, unsolved = derivation("answer_only").rows(debates)
    assert isinstance(right, SftRow)
    assert [message["content"] for message in right.messages] == ["p: 2+2?", "Answer: 4"]
    assert right.trained == [False, True]
    assert wrong == unsolved == Dropped("not solved")
    every = derivation("answer_only", {"solved_only": False, "answer": "#### {answer}"})
    rows = list(every.rows(debates))
    assert isinstance(rows[1], SftRow)
    assert rows[1].messages[1]["content"] == "#### 5"
    assert rows[2] == Dropped("no answer")
