"""The kind ``prm`` of a scenario's rewards: where its files lie, and where its key comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longthought.agents.errors import UsageError
from longthought.scenarios.reward_spec import RewardSpec
from longthought.scenarios.rewards import Wants, make_reward
from tests.agents.rewards.prm import tiny_prms

SERVER = {"base_url": "http://127.0.0.1:9", "model": "served"}


def made(base_dir: Path | None, **options: Any) -> Any:
    spec = RewardSpec(mode="inject", kind="prm", options=options, timeout=7, patience=9)
    return make_reward("mine", "rewards.mine", spec, Wants(base_dir=base_dir))


def test_a_relative_directory_begins_at_the_scenario(tmp_path: Path) -> None:
    tiny_prms.write_qwen(tmp_path / "weights")
    reward = made(tmp_path, model="weights", convention="qwen", score="min")
    assert (reward.name, reward.timeout, reward.patience) == ("mine", 7, 9)
    told = reward.identity()
    assert told["convention"]["name"] == "qwen"
    assert told["score"] == "min"
    (tmp_path / "weights" / "config.json").write_text("{}")
    assert told["weights"] != reward.identity()["weights"]


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRM_KEY", raising=False)
    with pytest.raises(UsageError, match=r"^rewards\.mine: options\.api_key_env: .* PRM_KEY is not set"):
        made(None, **SERVER, api_key_env="PRM_KEY")
    monkeypatch.setenv("PRM_KEY", "secret")
    assert "secret" not in str(made(None, **SERVER, api_key_env="PRM_KEY").identity())


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"convention": "mine"}, "rewards.mine: convention: 'mine' is none of longthought"),
        ({"temperature": 1}, "rewards.mine.options: prm does not take them"),
        ({"model": "./not-there"}, "rewards.mine: no model at not-there"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(options: dict[str, Any], line: str) -> None:
    with pytest.raises(UsageError, match=line):
        made(None, **options)
