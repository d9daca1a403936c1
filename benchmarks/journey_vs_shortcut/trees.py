"""The debates that all arms are told from, those that the base learns from, and the unseen problems."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.journey_vs_shortcut.plan import OUT, PROBLEMS
from longthought.agents.problems import Problem
from longthought.scenarios.load import load_scenario
from longthought.scenarios.problem_source import problems_of
from longthought.scenarios.run import RunOptions, play_to_end

FOUR = tuple(
    f"dataset.options.{key}"
    for key in ("min_numbers=4", "max_numbers=4", "max_value=20", "min_target=10", "max_target=100")
)
#: A searcher that guesses every second step, under a critic that looks at results alone: it goes back where a step is
#: wrong in itself or what is left at the end is not the target. Its writer can know all that such a thought says.
GUESSING = (
    *(f"seats.policy.options.{key}" for key in ("guess=0.45", "slip=0.02", "wish=0", "misread=0.01")),
    "seats.critic.options={miss: 0, sight: 1}",
)
UNERRING = (
    *(f"seats.policy.options.{key}=0" for key in ("guess", "slip", "wish", "misread")),
    "seats.critic.options.miss=0",
)
#: A searcher that mostly guesses, under a critic that sees every dead end at once.
ERRANT = (
    *(f"seats.policy.options.{key}" for key in ("guess=0.7", "slip=0.03", "wish=0.1", "misread=0.02")),
    "seats.critic.options.miss=0",
)
_RUN = ("dataset.size=44000", "dataset.seed=11", "seed=11", "epochs=1")
TREES = (*FOUR, *GUESSING, *_RUN, "budget.turns=100")
ERRANT_TREES = (*FOUR, *ERRANT, *_RUN, "budget.turns=60")
BASE = (*FOUR, *UNERRING, "dataset.size=60000", "dataset.seed=21", "seed=21", "epochs=1")


def trees(sets: tuple[str, ...], directory: Path) -> Path:
    """The run of those debates; goes on where it was left."""
    return play_to_end(load_scenario("countdown-teacher", list(sets)), RunOptions(run_dir=directory))


def unseen() -> list[Problem]:
    """Problems of the evaluation split, which shares none with the training split by construction."""
    file = OUT / "unseen.json"
    if file.is_file():
        return [Problem.model_validate(problem) for problem in json.loads(file.read_bytes())]
    sets = [*FOUR, f"dataset.size={PROBLEMS}", "dataset.seed=99", "dataset.split=eval"]
    problems = problems_of(load_scenario("countdown-teacher", sets), None)
    file.write_text(json.dumps([problem.model_dump(mode="json") for problem in problems]), "utf-8")
    return problems


def experiment_trees() -> Path:
    return trees(TREES, OUT / "trees")


def errant_trees() -> Path:
    return trees(ERRANT_TREES, OUT / "errant")


def base_trees() -> Path:
    return trees(BASE, OUT / "base")
