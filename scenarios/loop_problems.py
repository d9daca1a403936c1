"""The problems that a loop asks, and those that it keeps from it: no problem is both learned from and held out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem, hash_problems
from longthought.scenarios.build import context_of
from longthought.scenarios.engines import Engines
from longthought.scenarios.learned import Learned
from longthought.scenarios.load import Loaded, load_scenario
from longthought.scenarios.loop_asking import How
from longthought.scenarios.manifest import identity_of
from longthought.scenarios.problem_source import problems_of
from longthought.synth.clean.same_problem import keys_of, problem_keys
from longthought.train.loops.commands import Seat
from longthought.train.loops.settings import Asked


@dataclass(frozen=True)
class Problems:
    """A scenario that a loop asks, with its problems."""

    loaded: Loaded
    problems: list[Problem]

    @property
    def identity(self) -> dict[str, Any]:
        """What makes two of them the same one, as JSON."""
        scenario = self.loaded.scenario.model_dump(mode="json", exclude_none=True)
        return {"scenario": scenario, "problems": hash_problems(self.problems)}

    @property
    def prompts(self) -> dict[str, str]:
        """Hashes of its prompt texts by part.

        Raises:
            UsageError: one is missing.
        """
        return identity_of(self.loaded, context_of(self.loaded).prompts.texts).prompts

    def others(self, trained: Collection[Seat]) -> dict[str, Any]:
        """Who sits in its other seats, as JSON."""
        scenario = self.loaded.scenario
        engines = Engines(scenario.models, self.loaded.base_dir)
        seats = (spec for seat, spec in scenario.sitting.items() if seat not in trained)
        return {name: engines.identity(name) for spec in seats for name in spec.models.values()}


def load_problems(asked: Asked, how: How) -> Problems:
    """The scenario and its problems.

    Raises:
        UsageError: no such scenario, or its problems cannot be read.
    """
    loaded = load_scenario(asked.scenario, asked.set)
    return Problems(loaded, problems_of(loaded, asked.limit, allow_import=how.allow_import))


def check_unseen(problems: Sequence[Problem], source: str, held_out: Problems | None) -> None:
    """Raise UsageError if one of the problems to learn from is held out."""
    kept = keys_of(held_out.problems if held_out else ())
    if seen := [problem.id for problem in problems if problem_keys(problem) & kept]:
        raise UsageError(
            f"{source}: {len(seen)} of its problems are held out for the evaluation, {seen[0]} among them; "
            "take another split or seed"
        )


def check_base(model: str, held_out: Problems, how: How) -> None:
    """Raise UsageError if the model was trained on what is held out, as far as its record tells."""
    learned = Learned(allow_import=how.allow_import)
    learned.add(Path(model).expanduser(), model)
    if seen := learned.seen(held_out.problems):
        raise UsageError(
            f"{model}: {len(seen)} of the problems held out were trained on (in {', '.join(learned.places)}), "
            f"{seen[0].id} among them; evaluate on others"
        )
