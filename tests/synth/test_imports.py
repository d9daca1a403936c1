from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from longthought.synth.derive.kinds import derivation
from longthought.synth.imports.read import Import
from longthought.synth.telling.thought_tags import ThoughtTags
from tests.synth.imported import message, one, read


def test_unfinished_thoughts_are_cut_and_never_solved(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"question": "q", "response": "<think>\nOne.\n\nTwo", "correct": True},
        {"question": "q", "reasoning_content": "One.\n\nTwo", "content": "", "correct": True},
        {"question": "q", "code": ["<|begin_of_thought|>\n\nOne"], "score": [True]},
        {
            "question": "q",
            "code": ["<|begin_of_thought|>\n\nOne\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\nx"],
        },
    ]
    for transcript in read(tmp_path, *rows):
        assert transcript.outcome.kind == "limit:tokens"
        assert transcript.thoughts[-1].truncated
        assert not transcript.right


def test_a_reply_that_was_cut_says_so(tmp_path: Path) -> None:
    row = {
        "problem": "q",
        "generations": ["<think>\na\n</think>\n\n\\boxed{4}", "<think>\nb\n</think>\n\nThe ans"],
        "finish_reasons": ["stop", "length"],
        "correctness_math_verify": [True, True],
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "<think>\na\n</think>"},
        ],
    }
    whole, cut = read(tmp_path, row)
    assert (whole.outcome.kind, cut.outcome.kind) == ("solved", "limit:tokens")
    assert cut.thoughts[-1].truncated


def test_a_field_for_the_thought_may_be_empty(tmp_path: Path) -> None:
    bare: dict[str, Any] = {"question": "q", "reasoning": "", "response": "Answer: 4", "right": True}
    row = {**bare, "gold": None, "answer": "4", "finish": "stop"}
    whole, cut, nothing = read(
        tmp_path, row, {**row, "finish": "length"}, {**row, "response": "", "answer": None, "right": None}
    )
    assert (whole.outcome.kind, whole.outcome.answer, whole.problem.gold) == ("solved", "4", None)
    assert (cut.outcome.kind, cut.thoughts[-1].truncated) == ("limit:tokens", True)
    assert (nothing.outcome.kind, nothing.thoughts) == ("limit:tokens", ())
    assert one(tmp_path, {**row, "right": None}).outcome.kind == "unverified", "nobody gave a right answer"


def test_an_answer_that_is_the_reply_is_not_the_gold_one(tmp_path: Path) -> None:
    row = {"question": "q", "answer": "<think>\na\n</think>\n\n\\boxed{4}"}
    assert one(tmp_path, row).problem.gold is None
    thinking = {"question": "q", "reasoning": "a", "answer": "4"}
    assert one(tmp_path, thinking).outcome.kind == "unverified"


def test_still_tags_give_the_whole_message_back(tmp_path: Path) -> None:
    text = (
        "<|begin_of_thought|>\n\nOne.\n\nWait, two.\n\n<|end_of_thought|>\n\n"
        "<|begin_of_solution|>\n\nIt is \\boxed{2}.\n\n<|end_of_solution|>"
    )
    row = {
        "system": "s",
        "conversations": [{"from": "user", "value": "q"}, {"from": "assistant", "value": text}],
    }
    transcript = one(tmp_path, row)
    assert transcript.outcome.answer == "2"
    assert message(transcript, ThoughtTags.model_validate("still")) == text


def test_o1_journey_marco_and_verifiers(tmp_path: Path) -> None:
    journey, marco, rollout = read(
        tmp_path,
        {"question": "q1", "answer": "42", "longCOT": "So.\n\nWait, no.\n\n#### 42"},
        {"instruction": "q2", "response": "<Thought>\nhmm.\n\nfine\n\n</Thought>\n<Output>\nyes\n</Output>"},
        {
            "example_id": 3,
            "prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "q3"}],
            "completion": [{"role": "assistant", "content": "4", "reasoning_content": "2+2"}],
            "answer": "4",
            "reward": 0.2,
            "metrics": {},
        },
    )
    assert (journey.outcome.kind, journey.outcome.answer) == ("solved", "42")
    assert (marco.outcome.kind, marco.outcome.answer) == ("unverified", "yes")
    assert message(marco) == "<think>\nhmm.\n\nfine\n\n</think>\n\nyes"
    assert (rollout.problem.question, rollout.outcome.kind) == ("q3", "solved"), (
        "a reward in between says nothing"
    )


def test_samples_of_a_question_are_samples_of_one_problem(tmp_path: Path) -> None:
    row = {
        "problem": "6*7?",
        "answer": "42",
        "problem_type": "Arithmetic",
        "generations": ["<think>\na\n</think>\n\n\\boxed{42}", "<think>\nb\n</think>\n\n\\boxed{41}"],
        "correctness_math_verify": [True, False],
    }
    right, wrong = read(tmp_path, row)
    assert (right.id, wrong.id) == ("rows-1#0", "rows-1#1")
    assert (right.outcome.kind, wrong.outcome.kind) == ("solved", "wrong")
    assert (right.problem.gold, right.problem.metadata) == ("42", {"problem_type": "Arithmetic"})
    assert [type(row).__name__ for row in derivation("preference").rows([right, wrong])] == ["PreferenceRow"]


def test_samples_that_stand_apart_come_side_by_side(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text("".join(json.dumps({"question": q, "reasoning": "x"}) + "\n" for q in "pqp"))
    second.write_text("".join(json.dumps({"question": q, "reasoning": "y"}) + "\n" for q in "qrp"))
    reading = Import()
    found = list(reading.transcripts([first, second]))
    assert [(t.problem.question, t.id) for t in found] == [
        ("p", "a-1#0"),
        ("p", "a-1#1"),
        ("p", "a-1#2"),
        ("q", "a-2#0"),
        ("q", "a-2#1"),
        ("r", "b-2#0"),
    ]
    assert [t.number for t in found] == [*range(6)]
    assert (reading.rows, [t.run for t in found]) == (6, ["a", "a", "b", "a", "b", "b"])
    in_order = [t.model_copy(update={"number": 0}) for t in Import().in_order([first, second])]
    assert sorted(in_order, key=lambda t: t.id) == [t.model_copy(update={"number": 0}) for t in found]


def test_files_of_one_name_do_not_make_two_questions_one_problem(tmp_path: Path) -> None:
    files = [tmp_path / place / "train.jsonl" for place in "abc"]
    for file, question in zip(files, ("p", "q", "p"), strict=True):
        file.parent.mkdir()
        file.write_text(json.dumps({"question": question, "reasoning": "x"}))
    found = list(Import().transcripts(files))
    assert [t.problem.question for t in found] == ["p", "p", "q"]
    assert [t.id for t in found[:2]] == ["train-1#0", "train-1#1"]
    assert re.fullmatch(r"train-1-[0-9a-f]{8}#0", found[2].id)


def test_wrong_tries_of_prm800k_are_gone_back_from(tmp_path: Path) -> None:
    steps = [
        {
            "completions": [
                {"text": "bad", "rating": -1, "error_reason": "wrong_sign"},
                {"text": "good", "rating": 1},
                {"text": "good too", "rating": 1},
            ],
            "chosen_completion": 1,
        },
        {
            "completions": [{"text": "bad", "rating": -1}],
            "chosen_completion": None,
            "human_completion": {"text": "# Answer\n\n4", "rating": None},
        },
    ]
    row = {
        "question": {"problem": "q", "ground_truth_answer": "4"},
        "label": {"steps": steps, "finish_reason": "solution"},
    }
    transcript = one(tmp_path, row)
    assert [(t.parent, t.text) for t in transcript.thoughts] == [
        (0, "bad"),
        (0, "good"),
        (2, "bad"),
        (2, "# Answer\n\n4"),
    ]
    assert [str(r) for j in transcript.judgements for r in j.readings] == [
        "rating: wrong",
        "rating: right",
        "rating: wrong",
    ]
    assert transcript.right
    text = message(transcript)
    assert re.search(r"^bad\n.*wrong sign.*\ngood\nbad\n", text, re.M), (
        "its turns of mind are told as a debate's are"
    )


def test_a_trajectory_that_nobody_went_on_from_is_given_up(tmp_path: Path) -> None:
    step = {"completions": [{"text": "bad", "rating": -1}, {"text": "so", "rating": 0}], "chosen_text": None}
    transcript = one(tmp_path, {"problem": "q", "steps": [step]})
    assert (transcript.outcome.kind, [t.text for t in transcript.thoughts]) == ("gave_up", ["bad"])
    unrated = {"completions": [{"text": "so", "rating": None}], "chosen_text": None}
    assert one(tmp_path, {"problem": "q", "steps": [unrated]}).thoughts == ()


NESTED: dict[str, Any] = {
    "text": "q",
    "mc_value": 0.5,
    "children": [
        {
            "text": "no",
            "mc_value": 0.0,
            "children": [{"text": "never looked at", "mc_value": 0.0, "children": []}],
        },
        {"text": "fair", "mc_value": 0.6, "children": []},
        {
            "text": "yes",
            "mc_value": 0.7,
            "children": [{"text": "\\boxed{4}", "mc_value": 1.0, "children": []}],
        },
    ],
}
TAGGED = {
    "0": {"text": "", "q_value": 0.0},
    "0.0": {"text": "no", "q_value": -1.0},
    "0.1": {"text": "fair", "q_value": 0.2},
    "0.2": {"text": "yes", "q_value": 0.4},
    "0.2.0": {"text": "so", "q_value": 1.0, "final_answer": "4"},
    "0.2.0.0": {"text": "\\boxed{4}", "q_value": 1.0, "final_answer": "4"},
}
PREFIXES = [
    {"solution_prefix": "q\n\nyes\n\n\\boxed{4}", "mc_value": 1.0},
    {"solution_prefix": "q", "mc_value": 0.5},
    {"solution_prefix": "q\n\nno", "mc_value": 0.0},
    {"solution_prefix": "q\n\nfair", "mc_value": 0.6},
    {"solution_prefix": "q\n\nyes", "mc_value": 0.7},
]


@pytest.mark.parametrize(
    "columns",
    [{"reasoning_steps": NESTED}, {"rstar": TAGGED}, {"reasoning_steps": PREFIXES}],
    ids=["nested", "tags", "prefixes"],
)
def test_trees_with_values_keep_the_best_way_and_its_wrong_tries(
    tmp_path: Path, columns: dict[str, Any]
) -> None:
    transcript = one(tmp_path, {"question": "q", "final_answer": "4", **columns})
    said = [t.text for t in transcript.thoughts]
    assert said[:2] == ["no", "yes"]
    assert said[-1] == "\\boxed{4}"
    assert "fair" not in said
    assert (transcript.outcome.kind, transcript.outcome.answer) == ("solved", "4")
    assert [j.decision.kind for j in transcript.judgements][:2] == ["backtrack", "continue"]


def test_a_deep_tree_is_no_trouble(tmp_path: Path) -> None:
    tree: dict[str, Any] = {"text": "end: answer: 4", "mc_value": 1.0, "children": []}
    for depth in range(400):
        tree = {"text": f"step {depth}", "mc_value": 1.0, "children": [tree]}
    (tmp_path / "rows.jsonl").write_text(json.dumps({"question": "q", "reasoning_steps": tree}))
    (transcript,) = Import().transcripts([tmp_path / "rows.jsonl"])
    assert len(transcript.thoughts) == 400


def test_a_tree_whose_best_end_states_no_answer_is_not_solved(tmp_path: Path) -> None:
    for value in (0.0, 1.0):
        leaf: dict[str, Any] = {"text": "so it goes on", "mc_value": value, "children": []}
        row: dict[str, Any] = {
            "question": "q",
            "reasoning_steps": {"text": "q", "children": [leaf]},
            "final_answer": "4",
        }
        outcome = one(tmp_path, row).outcome
        assert (outcome.kind, outcome.answer) == ("unverified", None)


def test_a_generation_that_is_missing_does_not_shift_what_is_said_of_the_others(tmp_path: Path) -> None:
    four, five = (f"<think>a</think>\n\\boxed{{{n}}}" for n in (4, 5))
    row = {"problem": "q", "generations": [None, four, five], "correctness_math_verify": [None, True, False]}
    assert {t.outcome.answer: t.outcome.kind for t in read(tmp_path, row)} == {"4": "solved", "5": "wrong"}


@pytest.mark.parametrize(("answer", "gold"), [(42, "42"), (0.5, "0.5"), ("42", "42"), (True, None)])
def test_a_gold_answer_may_be_a_number(tmp_path: Path, answer: object, gold: str | None) -> None:
    row = {"question": "6*7?", "response": "<think>a</think>\n\\boxed{42}", "answer": answer}
    assert one(tmp_path, row).problem.gold == gold
