"""Reward models learn from labelled solutions: what is supervised, what is refused, and that they do learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.rewards.prm.process_reward import ProcessRewardModel
from longthought.agents.thoughts import straight_path
from longthought.synth.labelled.record import Label, LabelledSolution
from longthought.synth.tokens.labels import IGNORED
from longthought.synth.tokens.load import load_tokenizer
from longthought.train.corpus import Row
from longthought.train.reward_model import (
    outcome_supervision,
    run_orm,
    run_prm,
    step_supervision,
    tokenise_solutions,
)
from longthought.train.settings import OrmSettings, PrmSettings
from longthought.train.tokenise import Tokenised
from tests.train.tiny_corpora import shared_settings, step_rows, write_corpus


def record(model: Path) -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads((model / "training.json").read_bytes())
    return made


async def test_a_step_scorer_learns_to_tell_steps_apart(trained: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "step_labels", step_rows(8))
    settings = shared_settings(corpus, "step_labels", tmp_path / "scorer")
    settings |= {"model": str(trained), "epochs": 20}
    path = run_prm(PrmSettings.model_validate(settings))
    assert record(path)["labels_of_an_epoch"] == 16
    scorer = ProcessRewardModel(path)
    right, wrong = await scorer.read_all(straight_path(Problem(id="a", question="3+9?"), ["3+9=12", "0"]))
    await scorer.close()
    assert right > 0.8
    assert wrong < 0.2


def test_step_rows_are_checked(trained: Path) -> None:
    tokenizer = load_tokenizer(str(trained))
    settings = PrmSettings.model_validate({"model": "m", "corpora": [{"path": "c"}], "out": "o"})

    def tokenise(row: dict[str, Any]) -> Tokenised:
        return tokenise_solutions(
            [Row(row, "row 1")], lambda s: step_supervision(s, settings), tokenizer, settings
        )

    uneven = {"prompt": "a", "completions": ["b", "c"], "labels": [True]}
    with pytest.raises(UsageError, match=r"row 1: .*2 steps, but 1 labels"):
        tokenise(uneven)
    with pytest.raises(UsageError, match=r"row 1: no format has the columns \['messages'\]"):
        tokenise({"messages": []})
    with pytest.raises(UsageError, match="none of the 1 solutions has a label"):
        tokenise({"prompt": "a", "completions": ["b"], "labels": [None]})
    labels = tokenise({"prompt": "a", "completions": ["b", "c", "d"], "labels": [True, False, True]}).dataset[
        0
    ]["labels"]
    assert [label for label in labels if label != IGNORED] == [1, 0]


LABELS: tuple[Label | None, ...] = (None, "neutral", "right", "wrong", "right", None)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (IGNORED, 1, 1, 0)),
        ({"neutral": "wrong"}, (IGNORED, 0)),
        ({"neutral": "skip"}, (IGNORED, IGNORED, 1, 0)),
        ({"after_first_error": "keep"}, (IGNORED, 1, 1, 0, 1)),
        ({"after_first_error": "keep", "neutral": "wrong"}, (IGNORED, 0, 1, 0, 1)),
    ],
)
def test_supervision_ends_at_the_first_error_unless_told(
    options: dict[str, Any], expected: tuple[int, ...]
) -> None:
    settings = PrmSettings.model_validate({"model": "m", "corpora": [{"path": "c"}], "out": "o", **options})
    solution = LabelledSolution(id="s", question="q", steps=tuple("abcdef"), labels=LABELS)
    steps, labels = step_supervision(solution, settings)
    assert labels == expected
    assert steps == tuple("abcdef")[: len(expected)]


@pytest.mark.parametrize(
    ("labels", "last", "answer_right", "expected"),
    [
        (("right", "right"), "answer: 4", None, (IGNORED, 1)),
        (("right", "wrong"), "answer: 5", None, (IGNORED, 0)),
        (("wrong", None), "so it goes on", None, (IGNORED, 0)),
        (("right", "right"), "no answer yet", None, ()),
        (("right", None), "answer: 4", None, ()),
        (("wrong", "right"), "answer: 4", True, (IGNORED, 1)),
        (("right", "right"), "answer: 4", False, (IGNORED, 0)),
    ],
)
def test_an_outcome_is_the_answers_or_else_the_steps(
    labels: tuple[Label | None, ...], last: str, answer_right: bool | None, expected: tuple[int, ...]
) -> None:
    solution = LabelledSolution(
        id="s", question="q", steps=("2+2=4", last), labels=labels, answer_right=answer_right
    )
    assert outcome_supervision(solution)[1] == expected


async def test_an_outcome_reward_model_learns_whole_solutions(trained: Path, tmp_path: Path) -> None:
    rows = [
        {
            "prompt": f"{i}+9?",
            "completions": [f"{i}+9={i + 9}", f"answer: {said}"],
            "labels": [None, None],
            "answer_right": ok,
        }
        for i in range(8)
        for said, ok in ((i + 9, True), ("no", False))
    ]
    file = tmp_path / "solutions.jsonl"
    file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    settings = shared_settings(tmp_path, "unused", tmp_path / "orm")
    settings |= {"model": str(trained), "epochs": 20, "corpora": [{"path": str(file)}]}
    path = run_orm(OrmSettings.model_validate(settings))
    assert record(path)["labels_of_an_epoch"] == 16
    scorer = ProcessRewardModel(path)
    problem = Problem(id="a", question="3+9?")
    right = await scorer.read(straight_path(problem, ["3+9=12", "answer: 12"], "12"))
    wrong = await scorer.read(straight_path(problem, ["3+9=12", "answer: no"], "no"))
    await scorer.close()
    assert right.value is not None
    assert wrong.value is not None
    assert right.value > 0.8
    assert wrong.value < 0.2
