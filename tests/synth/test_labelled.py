from __future__ import annotations

from collections import Counter
from pathlib import Path

import orjson
import pytest

from longthought.agents.errors import UsageError
from longthought.synth.labelled.published import to_stepwise
from longthought.synth.labelled.read import read_labelled
from longthought.synth.labelled.record import LabelledSolution

DATA = Path(__file__).parents[3] / "shared" / "data"


def written(tmp_path: Path, *rows: object) -> Path:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return file


def one(tmp_path: Path, row: object) -> LabelledSolution:
    (solution,) = read_labelled(written(tmp_path, row))
    return solution


def real(name: str) -> Path:
    file = DATA / name
    if not file.is_file():
        pytest.skip(f"{name} is not here")
    return file


def test_stepwise_rows_with_flags_words_and_gaps(tmp_path: Path) -> None:
    row = {"prompt": "1+1?", "completions": ["a", "b", "c"], "labels": [True, "neutral", None], "extra": 1}
    assert one(tmp_path, row).labels == ("right", "neutral", None)
    assert one(tmp_path, {**row, "labels": [True, False, None]}).first_error == 1


def test_a_stepwise_row_comes_back_as_it_was(tmp_path: Path) -> None:
    solution = LabelledSolution(
        id="a",
        question="q",
        steps=("x", "y", "z"),
        labels=("neutral", "wrong", None),
        kinds=(None, "sign", None),
        answer_right=False,
        whole=False,
        metadata={"numbers": [1, 2]},
    )
    assert one(tmp_path, to_stepwise(solution)) == solution


def test_processbench_labels_end_at_the_first_error(tmp_path: Path) -> None:
    row = {
        "id": "gsm8k-1",
        "problem": "q",
        "steps": ["a", "b", "c"],
        "label": 1,
        "final_answer_correct": False,
    }
    solution = one(tmp_path, row)
    assert solution.labels == ("right", "wrong", None)
    assert (solution.id, solution.answer_right, solution.first_error) == ("gsm8k-1", False, 1)
    assert one(tmp_path, {**row, "label": -1}).labels == ("right",) * 3


def test_mr_gsm8k_counts_from_one(tmp_path: Path) -> None:
    row = {
        "uuid": "u",
        "question": "q",
        "model_output_steps": ["a", "b", "c"],
        "model_output_solution_correctness": "incorrect",
        "model_output_answer_correctness": "incorrect",
        "model_output_solution_first_error_step": 2,
    }
    assert one(tmp_path, row).labels == ("right", "wrong", None)
    right = {
        **row,
        "model_output_solution_correctness": "correct",
        "model_output_solution_first_error_step": "N/A",
    }
    assert one(tmp_path, right).labels == ("right",) * 3


def test_gsm8k_solutions_are_right_and_lose_their_calculator_marks(tmp_path: Path) -> None:
    row = {"question": "q", "answer": "48/2 = <<48/2=24>>24 clips.\n48+24 = <<48+24=72>>72\n#### 72"}
    assert one(tmp_path, row).steps == ("48/2 = 24 clips.", "48+24 = 72", "The answer is 72")


def test_published_prm800k_records_count_every_rating_once(tmp_path: Path) -> None:
    steps = [
        {"completions": [{"text": "a", "rating": 1}, {"text": "b", "rating": -1}], "chosen_completion": 0},
        {
            "completions": [{"text": "c", "rating": -1}],
            "chosen_completion": None,
            "human_completion": {"text": "d", "rating": None},
        },
        {"completions": [{"text": "e", "rating": 0}], "chosen_completion": None},
    ]
    row = {"question": {"problem": "q", "ground_truth_answer": "1"}, "label": {"steps": steps}}
    found = list(read_labelled(written(tmp_path, row)))
    assert [(s.steps, s.labels, s.whole) for s in found] == [
        (("a", "d"), ("right", None), True),
        (("b",), ("wrong",), False),
        (("a", "c"), (None, "wrong"), False),
        (("a", "d", "e"), (None, None, "neutral"), False),
    ]


def test_math_shepherd_samples() -> None:
    found = list(read_labelled(real("math_shepherd_samples/samples_math-shepherd.jsonl")))
    assert len(found) == 7
    first = found[0]
    assert first.question.startswith("Janet pays $40/hour")
    assert first.question.endswith("in a year?")
    assert first.steps[0].startswith("Janet spends 3 hours + 5 hours")
    assert "ки" not in "".join(first.steps)
    assert first.labels == ("right",) * 4 + ("wrong",)


@pytest.mark.parametrize("split", ["test", "train"])
def test_prm800k_is_parsed_in_full(split: str) -> None:
    file = real(f"prm800k/phase1_{split}_trajectories.jsonl")
    names = {1: "right", 0: "neutral", -1: "wrong"}
    rated: Counter[str] = Counter()
    for line in file.read_bytes().split(b"\n"):
        for step in orjson.loads(line)["steps"] if line else ():
            rated.update(names[c["rating"]] for c in step["completions"] if c["rating"] is not None)
    found = Counter(label for one in read_labelled(file) for label in one.labels if label is not None)
    assert found == rated


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"a": 1}, "no format has the columns ['a']"),
        ([1], "no format has the columns []"),
        ({"prompt": "q", "completions": ["a"], "labels": [True, False]}, "1 steps, but 2 labels"),
        ({"prompt": "q", "completions": [], "labels": []}, "without steps"),
        ({"prompt": "q", "completions": ["a"], "labels": ["maybe"]}, "labels.0"),
        ({"problem": "q", "steps": ["a"], "label": 1}, "step 2 of 1"),
        ({"input": "q Step 1: a ки", "label": "q Step 1: a ?"}, "ends in '?'"),
        ({"input": "q Step 1: a ки", "label": "q Step 1: b +"}, "is not that of"),
        ({"input": "q", "label": "q"}, "step tag"),
        ({"question": "q", "answer": "no marks"}, "no ####"),
        (
            {
                "problem": "q",
                "steps": [{"completions": [{"text": "a", "rating": 1}], "chosen_completion": 5}],
            },
            "`chosen_completion` is 5, of 1 completions",
        ),
        (
            {
                "question": "q",
                "model_output_steps": ["a"],
                "model_output_solution_correctness": "incorrect",
                "model_output_solution_first_error_step": "N/A",
            },
            "names no first error step",
        ),
    ],
)
def test_a_bad_row_is_one_line_that_says_where(tmp_path: Path, row: object, said: str) -> None:
    good = {"prompt": "q", "completions": ["a"], "labels": [True]}
    with pytest.raises(UsageError) as caught:
        list(read_labelled(written(tmp_path, good, row)))
    assert said in str(caught.value)
    assert "rows.jsonl:2:" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_no_rows_no_json(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        list(read_labelled(tmp_path / "none.jsonl"))
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(UsageError, match="no rows"):
        list(read_labelled(tmp_path / "empty.jsonl"))
    (tmp_path / "torn.jsonl").write_text('{"a": ')
    with pytest.raises(UsageError, match=r"torn.jsonl:1: not JSON"):
        list(read_labelled(tmp_path / "torn.jsonl"))
