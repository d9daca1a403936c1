"""The rewards of one scenario, each built when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from longthought.agents.did_you_mean import did_you_mean
from longthought.agents.errors import UsageError
from longthought.agents.rewards.contract import Reward
from longthought.scenarios.engines import Engines
from longthought.scenarios.reward_spec import RewardSpec
from longthought.scenarios.rewards import KINDS, Wants, make_reward


class RewardShelf:
    """Rewards by name; an ensemble fetches its members here.

    Args:
        wants: what every kind may be made with.

    Attributes:
        built: those that somebody asked for.
        prompts: the texts of their prompts, by part.
    """

    def __init__(
        self, specs: Mapping[str, RewardSpec], engines: Engines, wants: Wants, allow_import: bool
    ) -> None:
        self._specs, self._engines, self._wants, self._allow_import = specs, engines, wants, allow_import
        self._building: list[str] = []
        self.built: dict[str, Reward] = {}
        self.prompts: dict[str, str] = {}

    def get(self, name: str, key: str = "rewards", options: Mapping[str, Any] | None = None) -> Reward:
        """The reward of that name, be it off, or the built-in kind that the scenario does not mention.

        Args:
            key: who asks, for the error line.
            options: more options than the scenario gives it.

        Raises:
            UsageError: there is none, it cannot be built, or it is made of itself.
        """
        if name not in self.built:
            spec = self._spec(name, key)
            if options:
                spec = spec.model_copy(update={"options": {**spec.options, **options}})
            if name in self._building:
                circle = " → ".join((*self._building[self._building.index(name) :], name))
                raise UsageError(f"{key}: {circle} is a circle; take one of them out")
            self._building.append(name)
            made = self.built[name] = self._make(name, spec)
            self._building.pop()
            self.prompts |= {f"rewards.{name}.{part}": text for part, text in made.prompts.items()}
        return self.built[name]

    def _spec(self, name: str, key: str) -> RewardSpec:
        if name in self._specs:
            return self._specs[name]
        if name in KINDS:
            return RewardSpec(mode="off")
        raise UsageError(
            f"{key}: no reward {name!r} under rewards{did_you_mean(name, sorted({*self._specs, *KINDS}))}; "
            f"there: {', '.join(self._specs) or 'none'}; built in: {', '.join(sorted(KINDS))}"
        )

    def _make(self, name: str, spec: RewardSpec) -> Reward:
        key, model = f"rewards.{name}", spec.model

        def member(name: str) -> Reward:
            return self.get(name, f"{key}.options.members")

        wants = replace(
            self._wants,
            model=self._engines.get(model) if model else None,
            who=(lambda: self._engines.identity(model)) if model else None,
            reward=member,
        )
        return make_reward(name, key, spec, wants, allow_import=self._allow_import)
