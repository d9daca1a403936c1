"""What the tokens of each seat cost: of several models that are asked on its account the dearest, so that no budget is
overrun."""

from __future__ import annotations

from collections.abc import Iterator

from longthought.protocols.budget import Price
from longthought.scenarios.schema import Scenario


def prices_of(scenario: Scenario) -> dict[str, Price]:
    """The price of each seat's tokens, of rewards' and the scorer's; without those of which no model has a price."""
    asked = {seat: list(spec.models.values()) for seat, spec in scenario.sitting.items()}
    for name, spec in scenario.rewards.items():
        # What a critic calls as a tool is counted as its own.
        payer = "critic" if spec.mode == "tool" and "critic" in asked else "reward"
        if spec.mode != "off":
            asked.setdefault(payer, []).extend(_models(scenario, name))
    for seat, sitting in scenario.sitting.items():
        for one in sitting.asked:
            # And so is the reward that an agent of ours judges by.
            if isinstance(reward := one.options.get("reward"), str):
                asked[seat].extend(_models(scenario, reward))
    if scenario.ill_posed is not None and scenario.ill_posed.judge is not None:
        asked["scorer"] = [scenario.ill_posed.judge]
    prices: dict[str, Price] = {}
    for seat, models in asked.items():
        known = [price for model in models if (price := scenario.models[model].price) is not None]
        if known:
            prices[seat] = Price(
                max(price.prompt for price in known), max(price.completion for price in known)
            )
    return prices


def _models(scenario: Scenario, reward: str, inside: tuple[str, ...] = ()) -> Iterator[str]:
    """The models that a reward asks, by itself or through its members."""
    spec = scenario.rewards.get(reward)
    kind = (spec and spec.kind) or reward
    if kind == "rollouts":
        yield from scenario.seats.policy.models.values()
    if spec is None or reward in inside:
        return
    if spec.model is not None:
        yield spec.model
    for member in spec.options.get("members", ()):
        yield from _models(scenario, str(member), (*inside, reward))
