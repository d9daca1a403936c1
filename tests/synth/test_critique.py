from __future__ import annotations

from pathlib import Path

from longthought.synth.derive.critique import Critique
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import SftRow
from tests.synth.imported import one
from tests.synth.scripted_runs import DETOURS, Script, transcript_of


def said(tmp_path: Path, script: Script, *, tell: bool = False) -> dict[str, str]:
    """What was shown of each solution, without the question to it, and the critique."""
    texts: dict[str, str] = {}
    for row in Critique().rows([transcript_of(tmp_path, script, tell=tell)]):
        assert isinstance(row, SftRow)
        shown, critique = (message["content"] for message in row.messages)
        assert row.trained == [False, True]
        question, solution, _ = shown.split("\n\n")
        assert question == "p: 2+2?"
        texts[solution] = critique
    return texts


def test_a_critique_says_what_the_tree_bears_out(tmp_path: Path) -> None:
    assert said(tmp_path, DETOURS) == {
        "Step 1: 3-1 is 2\nStep 2: 2*3 is 6": "Step 1 is wrong: no way down from 6.\nVerdict: wrong",
        "Step 1: 2+2 is 4\nStep 2: answer: 4": "Step 1 is right.\nStep 2 is right.\nVerdict: right",
    }


def test_nothing_is_said_of_steps_of_which_it_is_not_known(tmp_path: Path) -> None:
    wrong = Script(["two and two", "answer: 5"], ["continue", "terminate solved"])
    assert said(tmp_path, wrong) == {
        "Step 1: two and two\nStep 2: answer: 5": "Step 2 is wrong: the answer 5 is wrong.\nVerdict: wrong"
    }


def test_steps_above_a_fork_are_right(tmp_path: Path) -> None:
    fork = Script(
        ["2 and 2", "2*2 is 5", "answer: 4"], ["continue", "backtrack 1: it is 4!", "terminate solved"]
    )
    critiques = said(tmp_path, fork)
    assert critiques["Step 1: 2 and 2\nStep 2: 2*2 is 5"] == (
        "Step 1 is right.\nStep 2 is wrong: it is 4!\nVerdict: wrong"
    )


def test_the_words_around_are_options(tmp_path: Path) -> None:
    kind = Critique(ask="Judge it.", right="Conclusion: right", wrong="Conclusion: wrong")
    row = list(kind.rows([transcript_of(tmp_path, DETOURS)]))[-1]
    assert isinstance(row, SftRow)
    assert row.messages[0]["content"].endswith("\n\nJudge it.")
    assert row.messages[1]["content"].endswith("\nConclusion: right")


def test_what_the_tree_does_not_bear_out_has_no_row(tmp_path: Path) -> None:
    gave_up = Script(["2*2 is 4", "no"], ["backtrack 0: no", "terminate give_up"])
    made = list(Critique().rows([transcript_of(tmp_path, gave_up)]))
    assert made == [Dropped("nothing that the tree bears out")]


def test_an_answer_that_was_refused_is_wrong_even_where_it_opens_with_a_doubt(tmp_path: Path) -> None:
    thought = "6 times 7 is 41.\n\nWait, 6 times 7 is 48."
    row = {"question": "6*7?", "response": f"<think>\n{thought}\n</think>\n\n\\boxed{{48}}", "gold": "42"}
    verdicts = [
        row.messages[1]["content"].splitlines()[-1]
        for row in Critique().rows([one(tmp_path, row)])
        if isinstance(row, SftRow)
    ]
    assert verdicts
    assert set(verdicts) == {Critique().wrong}
