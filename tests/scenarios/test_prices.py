"""Whoever is asked on a seat's account has its price counted there, so that no budget of cost is overrun."""

from __future__ import annotations

from typing import Any

from longthought.protocols.budget import Price
from longthought.scenarios.prices import prices_of
from longthought.scenarios.schema import Scenario


def _model(price: float | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"engine": "openai", "base_url": "http://127.0.0.1:1/v1", "model": "m"}
    return spec if price is None else spec | {"price": {"prompt": price, "completion": 2 * price}}


def _scenario(critic: dict[str, Any], rewards: dict[str, Any], **more: Any) -> Scenario:
    return Scenario.model_validate(
        {
            "name": "s",
            "dataset": {"kind": "file", "path": "p.jsonl"},
            "models": {"cheap": _model(1), "dear": _model(9), "free": _model(None)},
            "seats": {"policy": {"model": "cheap"}, "critic": critic},
            "rewards": rewards,
            **more,
        }
    )


CHEAP, DEAR = Price(1, 2), Price(9, 18)


def test_a_tool_is_the_critics_and_what_is_injected_is_rewards() -> None:
    judge = {"kind": "judge", "model": "dear"}
    tool = _scenario({"model": "cheap"}, {"judge": judge | {"mode": "tool"}})
    assert prices_of(tool) == {"policy": CHEAP, "critic": DEAR}
    inject = _scenario({"model": "cheap"}, {"judge": judge | {"mode": "inject"}})
    assert prices_of(inject) == {"policy": CHEAP, "critic": CHEAP, "reward": DEAR}


def test_a_critic_pays_for_the_reward_that_it_consults() -> None:
    rewards = {
        "judge": {"mode": "off", "model": "dear"},
        "both": {"mode": "off", "kind": "ensemble", "options": {"members": ["judge", "answer"]}},
    }
    for reward in rewards:
        critic = {"agent": "reward-critic", "options": {"reward": reward}}
        assert prices_of(_scenario(critic, rewards)) == {"policy": CHEAP, "critic": DEAR}


def test_rollouts_are_the_policys_model() -> None:
    assert prices_of(_scenario({"model": "free"}, {"rollouts": "inject"})) == {
        "policy": CHEAP,
        "reward": CHEAP,
    }


def test_without_a_critic_rewards_pay_for_themselves() -> None:
    rewards = {"judge": {"mode": "tool", "model": "dear"}}
    best = _scenario({"model": "free"}, rewards, protocol="best-of-n", n=2)
    assert prices_of(best) == {"policy": CHEAP, "reward": DEAR}
