"""What makes two critics, two models and two rewards the same one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from longthought.agents.models.local_weights import weights_digest
from longthought.agents.models.random_model import write_random_model
from longthought.scenarios.build import build, build_reward
from longthought.scenarios.load import load_scenario
from longthought.scenarios.passports import critic_subject


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return write_random_model(tmp_path / "weights")


@pytest.mark.parametrize("file", ["chat_template.jinja", "config.json", "tokenizer.json"])
def test_whatever_a_model_loads_is_in_its_digest(weights: Path, file: str) -> None:
    before = weights_digest(weights)
    (weights / "README.md").write_text("a card")
    (weights / "training.json").write_text("{}")
    assert weights_digest(weights) == before
    (weights / file).write_bytes((weights / file).read_bytes() + b" ")
    assert weights_digest(weights) != before


def test_a_critic_is_who_answers_not_where_it_lies(weights: Path, tmp_path: Path) -> None:
    def critic(*sets: str) -> str:
        loaded = load_scenario("countdown", sets)
        return critic_subject(loaded, build(loaded, [])).hash

    there = shutil.copytree(weights, tmp_path / "copy")
    one, copy = (f"models.embedded.model={place}" for place in (weights, there))
    assert (
        critic(one)
        == critic(copy)
        == critic(one, "seats.policy.temperature=0.1", "models.embedded.max_batch=2")
    )
    assert critic(one) != critic()
    assert critic(one) != critic(one, "seats.critic.temperature=0.5")
    assert critic(one) != critic(one, "prompts=default")
    assert critic(one) != critic(one, "rewards={countdown-step: inject}")


def test_rollouts_are_of_the_policy_that_makes_them(weights: Path) -> None:
    def rollouts(*sets: str, **options: object) -> dict[str, Any]:
        return build_reward(load_scenario("countdown", sets), "rollouts", options).reward.identity()

    assert rollouts() == rollouts("models.embedded.max_batch=2", "seats.critic.temperature=0.5")
    told = [
        rollouts(),
        rollouts(f"models.embedded.model={weights}"),
        rollouts("seats.policy.temperature=0.1"),
        rollouts("prompts=default"),
        rollouts("memory=path"),
        rollouts(estimate="hard"),
        rollouts(estimate="hard", search="binary"),
    ]
    assert all(one != other for i, one in enumerate(told) for other in told[:i])
