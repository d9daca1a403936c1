from __future__ import annotations

from pathlib import Path

from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.rows import SftRow
from longthought.synth.derive.splice import Splice
from longthought.synth.telling.phrases import load_phrases
from tests.synth.imported import one
from tests.synth.scripted_runs import DETOURS, Script, transcript_of

#: Below a right step a wrong way of three; the critic only objects to its second.
LATE = Script(
    ["2 and 2", "2*2 is 5", "5 is odd", "5 it is", "2+2 is 4", "answer: 4"],
    [
        "continue",
        "continue",
        "reflect: is it?",
        "backtrack 1: 2*2 is not 5",
        "continue",
        "terminate solved",
    ],
)


def rows(kind: Derivation, *samples: Transcript) -> list[SftRow]:
    return [row for row in kind.rows(samples) if isinstance(row, SftRow)]


def lines(row: SftRow) -> list[str]:
    return row.messages[1]["content"].split("\n")


def hidden(row: SftRow) -> list[str]:
    """The stretches without loss."""
    return [row.messages[1]["content"][span["start"] : span["end"]] for span in row.masked]


def test_the_wrong_way_ends_at_the_first_error_that_the_critic_saw(tmp_path: Path) -> None:
    (row,) = rows(Splice(), transcript_of(tmp_path, LATE))
    before, back, after = lines(row)[1:4], lines(row)[4], lines(row)[5:7]
    assert before == ["2 and 2", "2*2 is 5", "5 is odd"]
    assert "is it?" in back
    assert '"2 and 2"' in back, "it goes back to the step that both ways share"
    assert after == ["2+2 is 4", "answer: 4"], (
        "and from there the right way goes on, the shared step not again"
    )
    assert row.messages[1]["content"].endswith("</think>\n\nAnswer: 4")


def test_as_a_control_the_wrong_way_goes_to_its_end(tmp_path: Path) -> None:
    (row,) = rows(Splice(cut="end"), transcript_of(tmp_path, LATE))
    assert lines(row)[1:5] == ["2 and 2", "2*2 is 5", "5 is odd", "5 it is"]
    assert "2*2 is not 5" in lines(row)[5]


def test_only_the_wrong_way_carries_no_loss(tmp_path: Path) -> None:
    transcript = transcript_of(tmp_path, LATE)
    (row,) = rows(Splice(), transcript)
    assert hidden(row) == ["2*2 is 5\n5 is odd\n"]
    (row,) = rows(Splice(cut="end"), transcript)
    assert hidden(row) == ["2*2 is 5\n5 is odd\n5 it is\n"]
    (row,) = rows(Splice(mask="all"), transcript)
    assert hidden(row) == []


def test_every_branch_is_a_row_up_to_n(tmp_path: Path) -> None:
    transcript = transcript_of(tmp_path, DETOURS)
    both = rows(Splice(), transcript)
    assert sorted(row.id for row in both) == ["p#0<0/2", "p#0<0/3"]
    banks = load_phrases()
    for row in both:
        (back,) = lines(row)[3:4]
        starts = (phrase.partition("{why}")[0].rstrip(", ") for phrase in banks.backtrack_to_problem)
        assert back.startswith(tuple(starts))
    drawn = [rows(Splice(n=1, seed=seed), transcript) for seed in (0, 0, 1, 2, 3, 4)]
    assert all(len(each) == 1 for each in drawn)
    assert drawn[0] == drawn[1]
    assert len({each[0].id for each in drawn}) == 2


def test_other_samples_that_were_refused_are_wrong_ways_too(tmp_path: Path) -> None:
    right = transcript_of(tmp_path / "r", Script(["2 and 2", "answer: 4"], ["continue", "terminate solved"]))
    wrong = transcript_of(
        tmp_path / "w", Script(["2 and 2", "answer: 5"], ["continue", "terminate solved"], epoch=1)
    )
    (row,) = rows(Splice(ways="samples", cut="end"), right, wrong)
    assert row.id == "p#0<1/2"
    assert lines(row)[1:3] == ["2 and 2", "answer: 5"]
    assert "the answer 5 is wrong" in lines(row)[3]
    assert lines(row)[4] == "answer: 4"
    said = [row.reason for row in Splice(ways="samples").rows([right, wrong]) if isinstance(row, Dropped)]
    assert said == ["no error that the critic saw", "no wrong way", "not solved"]


def test_an_answer_that_was_told_to_be_wrong_is_seen_and_marks_the_row(tmp_path: Path) -> None:
    told = Script(
        ["answer: 5", "one too many", "answer: 4"],
        ["terminate solved", "backtrack 0: miscounted", "terminate solved"],
    )
    (row,) = rows(Splice(), transcript_of(tmp_path, told, tell=True))
    assert row.informed
    assert lines(row)[1] == "answer: 5"
    assert "the answer 5 is wrong" in lines(row)[2]
    assert lines(row)[3] == "answer: 4"


def test_a_wrong_way_that_goes_on_behind_the_right_one_has_nothing_to_turn_to(tmp_path: Path) -> None:
    right = transcript_of(tmp_path / "a", Script(["2+2 is 4", "answer: 4"], ["continue", "terminate solved"]))
    on = Script(
        ["2+2 is 4", "answer: 4", "no, it is 5", "answer: 5"],
        ["continue", "reflect: is it?", "continue", "terminate solved"],
        epoch=1,
    )
    wrong = transcript_of(tmp_path / "b", on)
    made = list(Splice(ways="samples", cut="end").rows([right, wrong]))
    assert Dropped("a way that goes on behind the right one") in made
    assert not [row for row in made if isinstance(row, SftRow)]


def test_a_thought_that_others_wrote_is_not_spliced(tmp_path: Path) -> None:
    thought = "6 times 7 is 48.\n\nWait, no.\n\nLet me start over: 14*3 is 42."
    row = {"question": "6*7?", "response": f"<think>\n{thought}\n</think>\n\n\\boxed{{42}}", "gold": "42"}
    (made,) = Splice().rows([one(tmp_path, row)])
    assert made == Dropped("a thought that others wrote")
