"""The debates that all arms are told from, and those that the base learns from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from benchmarks.journey_vs_shortcut.plan import OUT
from benchmarks.journey_vs_shortcut.puzzles import dataset
from longthought.scenarios.load import load_scenario
from longthought.scenarios.run import RunOptions, play_to_end


def searching(
    guess: float = 0.4, sight: int = 1, back: Literal["alive", "start"] = "start"
) -> tuple[str, ...]:
    """A searcher that takes any legal step with the chance ``guess``, and its critic, as overrides of a scenario.

    By default the critic looks at results alone: where one number is left and is not the target, it begins again.
    Whoever writes such a thought can know all that it says.
    """
    return (
        dataset("trees"),
        f"seats.policy.options={{guess: {guess}, slip: 0, wish: 0, misread: 0}}",
        f"seats.critic.options={{miss: 0, sight: {sight}, back: {back}}}",
        "budget.turns=100",
        "seed=11",
    )


def trees(sets: tuple[str, ...], directory: Path) -> Path:
    """The run of these debates; gone on with where it was left."""
    loaded = load_scenario("countdown-teacher", [*sets, "epochs=1"])
    return play_to_end(loaded, RunOptions(run_dir=directory))


def experiment_trees() -> Path:
    return trees(searching(), OUT / "trees")


def base_trees() -> Path:
    unerring = "seats.policy.options={guess: 0, slip: 0, wish: 0, misread: 0}"
    return trees((dataset("base"), unerring, "seats.critic.options={miss: 0}", "seed=21"), OUT / "base")
