"""What `train grpo` is handed: problems of a scenario, and what their scorer says of a whole solution."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import Any

import orjson
import pytest

from longthought.agents.problems import Problem
from longthought.agents.rewards.contract import Scorer
from longthought.agents.rewards.scorers import scorer_named
from longthought.scenarios.reinforcing import score_solution
from longthought.train.settings import GrpoSettings
from tests.scenarios.command_line import Call

SUM = Problem(id="a", question="2+2?", gold="4", scorer="exact")
PUZZLE = Problem(
    id="b",
    question="Reach 12 from 3 and 9.",
    scorer="countdown",
    metadata={"numbers": [3, 9], "target": 12},
)


@pytest.mark.parametrize(
    ("problem", "text", "worth"),
    [
        (SUM, "<think>\nis it 5?\n</think>\n\nAnswer: 4", 1.0),
        (SUM, "Answer: 4", 1.0),
        (SUM, "<think>\nAnswer: 4\n</think>\n\nAnswer: 5", 0.0),
        (SUM, "<think>\nAnswer: 4", 0.0),
        (SUM, "", 0.0),
        (PUZZLE, "<think>\n3*9=27, no\n</think>\n\nAnswer: 3+9", 1.0),
        (PUZZLE, "Answer: 12", 0.0),
        (PUZZLE.model_copy(update={"metadata": {}}), "Answer: 3+9", None),
    ],
)
async def test_the_answer_behind_the_thought_is_what_counts(
    problem: Problem, text: str, worth: float | None
) -> None:
    assert await score_solution(scorer_named(problem.scorer), problem, text) == worth


async def test_a_scorer_that_cannot_tell_is_no_zero() -> None:
    scorer: Scorer = scorer_named("math-verify")
    try:
        bomb = f"Answer: {'9**' * 9}9"
        assert await score_solution(scorer, SUM, "Answer: \\boxed{2+2}") == 1.0
        assert await score_solution(scorer, SUM.model_copy(update={"gold": None}), bomb) is None
    finally:
        await scorer.close()


SETTINGS: dict[str, Any] = {
    "model": "embedded",
    "problems": {"scenario": "countdown", "set": ["dataset.split=train", "dataset.size=4"]},
    "out": "made",
    "batch": 8,
    "num_generations": 4,
    "max_completion_length": 16,
    "max_steps": 2,
    "log_steps": 1,
    "device": "cpu",
    "threads": 1,
}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_scorer_in_processes_answers_to_the_trainers_event_loop(tmp_path: Path) -> None:
    from longthought.train.grpo import run_grpo

    scorer = scorer_named("math-verify")
    answers = cycle(["4", "5", "2+2"])
    asked: list[float | None] = []

    async def score(problem: Problem, text: str) -> float | None:
        worth = await score_solution(scorer, problem, f"Answer: {next(answers)}")
        asked.append(worth)
        return worth

    settings = GrpoSettings.model_validate({**SETTINGS, "out": str(tmp_path / "made"), "max_steps": 1})
    record = orjson.loads((run_grpo(settings, [SUM] * 2, score) / "training.json").read_bytes())
    assert (asked.count(1.0), asked.count(0.0)) == (5, 3)
    assert record["log"][0]["reward"] == 5 / 8


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_command_trains_on_a_scenario(call: Call, tmp_path: Path) -> None:
    settings = {**SETTINGS, "gradient_checkpointing": True, "lora": {"r": 2}}
    (tmp_path / "grpo.yaml").write_bytes(orjson.dumps(settings))
    code, out, err = call("train", "grpo", "--config", "grpo.yaml")
    assert (code, out.splitlines()[-1]) == (0, "made"), err
    record = orjson.loads((tmp_path / "made" / "training.json").read_bytes())
    assert [entry["reward"] for entry in record["log"]] == [0.0, 0.0]
    assert [entry["unscored"] for entry in record["log"]] == [0.0, 0.0]
    assert (record["problems"], record["steps"]) == (4, 2)
