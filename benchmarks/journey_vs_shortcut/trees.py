"""The debates that all arms are told from, and those that the base learns from."""

from __future__ import annotations

from pathlib import Path

from benchmarks.journey_vs_shortcut.plan import OUT
from benchmarks.journey_vs_shortcut.puzzles import dataset
from longthought.scenarios.load import load_scenario
from longthought.scenarios.run import RunOptions, play_to_end

_POLICY = "seats.policy.options={{guess: {guess}, slip: 0, wish: 0, misread: 0}}"
#: A searcher that takes any legal step where it does not know better, under a critic that looks at results alone: where
#: one number is left and is not the target, it begins again. Whoever writes such a thought can know all that it says.
SEARCHING = (
    _POLICY.format(guess=0.4),
    "seats.critic.options={miss: 0, sight: 1, back: start}",
    "budget.turns=100",
)
UNERRING = (_POLICY.format(guess=0), "seats.critic.options={miss: 0}")


def experiment_trees() -> Path:
    """The run of them; gone on with where it was left, as is that of the base."""
    return _played("trees", (dataset("trees"), *SEARCHING, "seed=11"))


def base_trees() -> Path:
    return _played("base", (dataset("base"), *UNERRING, "seed=21"))


def _played(name: str, sets: tuple[str, ...]) -> Path:
    loaded = load_scenario("countdown-teacher", [*sets, "epochs=1"])
    return play_to_end(loaded, RunOptions(run_dir=OUT / name))
