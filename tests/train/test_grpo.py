"""GRPO: what a solution is worth, which problems have room, and that right solutions become more likely."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from longthought.agents.errors import UsageError
from longthought.agents.models.embedded import embedded_path
from longthought.agents.problems import Problem
from longthought.synth.tokens.load import load_tokenizer
from longthought.train.grpo import check_step, pinned, problems_that_fit, reward, run_grpo
from longthought.train.provenance import identity_of
from longthought.train.settings import GrpoSettings
from longthought.train.starting_point import find_start
from longthought.train.tokenizer import train_tokenizer
from longthought.train.turn_end import turn_end

TOKENIZER: Any = train_tokenizer(["<think>\n2+2 is 4\n</think>\n\nAnswer: 4"] * 20, 300, 512)
PROBLEMS = [Problem(id=str(i), question=f"Reach {i + 3} from 1 and {i + 2} <|end|>") for i in range(6)]


def settings(out: Path, **changes: Any) -> GrpoSettings:
    given = {
        "model": "embedded",
        "problems": {"scenario": "countdown"},
        "out": str(out),
        "batch": 16,
        "num_generations": 8,
        "max_completion_length": 12,
        "learning_rate": 1e-3,
        "scheduler": "constant",
        "warmup": 0,
        "log_steps": 1,
        "device": "cpu",
        "bf16": False,
        "threads": 1,
    }
    return GrpoSettings.model_validate(given | changes)


async def ones(problem: Problem, text: str) -> float | None:
    """Right is what has a 1 in it; nobody can tell of what has a 7."""
    return None if "7" in text else float("1" in text)


async def test_what_a_solution_is_worth(tmp_path: Path) -> None:
    seen: list[str] = []

    async def score(problem: Problem, text: str) -> float | None:
        seen.append(f"{problem.id}: {text}")
        return await ones(problem, text)

    logged: dict[str, float] = {}
    texts = ["<think>\n2\n</think>\n\nAnswer: 1", "<think>\n1", "2", "7", "<think>\n2\n</think>\n\n2"]
    ids = [[*TOKENIZER(text)["input_ids"], TOKENIZER.eos_token_id] for text in texts]
    worth = reward(settings(tmp_path, format_weight=0.25), TOKENIZER, PROBLEMS, score)
    given = await worth(completion_ids=ids, number=[0, 1, 2, 3, 4], log_metric=logged.__setitem__, prompts=[])
    assert given == [1.25, 1.0, 0.0, None, 0.25]
    assert sorted(seen) == [f"{i}: {text}" for i, text in enumerate(texts)]
    assert logged == {"unscored": 1 / 5, "framed": 2 / 5}


def test_questions_that_leave_no_room_are_dropped_or_refused(tmp_path: Path) -> None:
    start = find_start(settings(tmp_path))
    long = Problem(id="long", question="Reach 9 from " + "1 and " * 300)
    tight: dict[str, Any] = {"max_length": 60, "max_completion_length": 20}
    with pytest.raises(
        UsageError, match=r"problem long, with max_completion_length: .* max_length 60; raise"
    ):
        problems_that_fit(settings(tmp_path, **tight), [PROBLEMS[0], long], start)
    kept = problems_that_fit(settings(tmp_path, **tight, too_long="drop"), [PROBLEMS[0], long], start)
    assert kept == [PROBLEMS[0]]


def test_a_step_has_as_many_problems_as_it_takes(tmp_path: Path) -> None:
    check_step(settings(tmp_path, accumulation=3), 6)
    with pytest.raises(
        UsageError, match=r"problems: 6 are fewer than the 8 of a step .*; give more, or lower"
    ):
        check_step(settings(tmp_path, accumulation=4), 6)


def test_other_problems_are_another_training(tmp_path: Path) -> None:
    first = pinned(settings(tmp_path), PROBLEMS)
    others = [*PROBLEMS[1:], PROBLEMS[0].model_copy(update={"metadata": {"target": 9}})]
    assert identity_of(first) != identity_of(pinned(settings(tmp_path), others))
    assert pinned(first, PROBLEMS) == first
    with pytest.raises(UsageError, match=r"problems\.digest: these problems have [0-9a-f]+; take it out"):
        pinned(first, others)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_is_rewarded_becomes_more_likely(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    out = run_grpo(settings(tmp_path / "made", max_steps=12, beta=0.01), PROBLEMS, ones)
    record: dict[str, Any] = orjson.loads((out / "training.json").read_bytes())
    log = record["log"]
    assert (record["kind"], record["problems"], len(log)) == ("grpo", 6, 12)
    assert record["tokens_seen"] > 12 * 16
    assert any(entry["unscored"] > 0 for entry in log)
    rewards = [entry["reward"] for entry in log]
    assert sum(rewards[-3:]) / 3 > sum(rewards[:3]) / 3 + 0.1
    loader: Any = AutoModelForCausalLM
    before, after = (loader.from_pretrained(path).state_dict() for path in (embedded_path("lm"), out))
    assert any((before[name] != after[name]).any() for name in before)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_question_cannot_speak_special_tokens(tmp_path: Path) -> None:
    from longthought.train.grpo import grpo_trainer

    start = find_start(settings(tmp_path))
    trainer = grpo_trainer(settings(tmp_path), start.weights(), start.tokenizer, PROBLEMS, ones)
    (ids,), _, _ = trainer._tokenize_prompts([[{"role": "user", "content": PROBLEMS[0].question}]])
    tokenizer = load_tokenizer(str(embedded_path("lm")))
    assert ids.count(tokenizer.eos_token_id) == 1
    assert tokenizer.decode(ids) == f"{PROBLEMS[0].question}<|end|>"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_solution_ends_where_the_template_ends_it(tmp_path: Path) -> None:
    from longthought.train.grpo import grpo_trainer

    start = find_start(settings(tmp_path))
    model, tokenizer = start.weights(), start.tokenizer
    # As base models of Qwen2.5 are: their text ends in one token, their template's turns in another.
    end = tokenizer.eos_token_id
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['content'] }}" + tokenizer.eos_token + "{% endfor %}"
    )
    tokenizer.eos_token = next(
        token for token in tokenizer.all_special_tokens if token != tokenizer.eos_token
    )
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    assert turn_end(tokenizer) == end
    trainer = grpo_trainer(settings(tmp_path), model, tokenizer, PROBLEMS, ones)
    assert end in trainer.eos_token_ids
    assert end in trainer.generation_config.eos_token_id
