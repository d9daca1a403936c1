"""From the names that ``longthought eval`` is given to finished runs: runs by name or pattern, scenarios, models.

Before a scenario is played, and before a run is read, its problems are looked for in what its models were trained on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from longthought.agents.did_you_mean import did_you_mean
from longthought.agents.errors import UsageError
from longthought.agents.models.local_weights import check_model_source, weights_digest
from longthought.agents.problems import Problem, ProblemKey
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.eval_names import as_run, expanded, is_scenario
from longthought.scenarios.learned import Learned
from longthought.scenarios.load import Loaded, load_scenario, shipped_scenarios
from longthought.scenarios.manifest import Manifest, read_manifest
from longthought.scenarios.problem_source import problems_of
from longthought.scenarios.run import RunOptions, play_to_end
from longthought.synth.corpus.slug import slug
from longthought.train.evaluating.seen import corpora_at

#: With these a scenario's policy answers alone, in one greedy pass.
GREEDY = ("protocol=monologue", "seats.policy.temperature=0.0")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """How names become runs; see ``longthought eval --help``."""

    #: The scenario that models are seated in.
    on: str | None = None
    sets: tuple[str, ...] = ()
    limit: int | None = None
    max_connections: int = 64
    allow_import: bool = False
    allow_code: bool = False
    trained_on: tuple[Path, ...] = ()
    allow_seen: bool = False
    #: A name that is both a scenario's and a run's is the scenario's.
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """A run, and the keys of the problems of it that are asked for."""

    run: Path
    problems: frozenset[ProblemKey]


class EvalRuns:
    """Finds or makes the runs. ``notes``: what is to be said of problems that models have seen."""

    def __init__(self, options: EvalOptions) -> None:
        self._options = options
        self._named = [corpus for path in options.trained_on for corpus in corpora_at(path)]
        self.notes: list[str] = []

    def of(self, names: Iterable[str], suffix: str = "", sets: Sequence[str] = ()) -> list[Subject]:
        """The runs of these names, each of which may be a pattern that stands for several.

        Args:
            suffix, sets: of a scenario played in another way.

        Raises:
            UsageError: no such run, scenario or model; or its problems have been trained on.
            RunError: a scenario's run did not come to its end; the same command goes on with it.
        """
        return [
            self._run(each, suffix, (*self._options.sets, *sets))
            for name in names
            for each in self._expanded(name)
        ]

    def _expanded(self, name: str) -> list[str]:
        taken, aside = expanded(name, models=self._options.on is not None)
        for each in aside:
            self._note(f"{each}: was set aside by --force-new and is left out; name it to evaluate it")
        return taken

    def _run(self, name: str, suffix: str, sets: tuple[str, ...]) -> Subject:
        run = as_run(name) if self._options.on is None else None
        if run is not None and not (self._options.anew and is_scenario(name)):
            if suffix or sets:
                raise UsageError(f"{name}: is a run, made as it is: --alone and --set need a scenario")
            return self._there(run)
        if self._options.on is None:
            if not is_scenario(name) and "/" not in name and not name.endswith((".yaml", ".yml")):
                raise UsageError(
                    f"{name}: neither a run (`longthought list` shows them) nor a scenario"
                    f"{did_you_mean(name, shipped_scenarios())}; shipped scenarios are {', '.join(shipped_scenarios())}"
                )
            loaded = load_scenario(name, sets)
            return self._played(loaded, f"{loaded.scenario.name}-eval{suffix}")
        loaded, model = seated(name, self._options.on, sets)
        return self._played(loaded, f"{loaded.scenario.name}-eval-{model}")

    def _there(self, run: Path) -> Subject:
        told: dict[ProblemKey, Problem] = {}
        for each in read_transcripts(run):
            if len(told) == self._options.limit and each.problem.key not in told:
                break
            told[each.problem.key] = each.problem
        # A file of transcripts has none.
        manifest = read_manifest(run) if run.is_dir() else None
        if manifest is None:
            self._note(f"{run.name}: no manifest, so what its models were trained on is not checked")
            self._check(run.name, list(told.values()), (), Path())
        else:
            self._check(run.name, list(told.values()), _sat(manifest), Path(manifest.source).parent)
            if manifest.status != "finished":
                self._note(f"{run.name}: is not finished ({manifest.status}): only what ended is counted")
        return Subject(run, frozenset(told))

    def _played(self, loaded: Loaded, name: str) -> Subject:
        options = self._options
        directory = Path("runs") / name
        problems = problems_of(loaded, options.limit, allow_import=options.allow_import)
        scenario = loaded.scenario
        named = {model for spec in scenario.sitting.values() for model in spec.models.values()}
        models = [scenario.models[model].model_dump() for model in sorted(named)]
        self._check(name, problems, models, loaded.base_dir)
        how = RunOptions(
            run_dir=directory,
            limit=options.limit,
            max_connections=options.max_connections,
            allow_import=options.allow_import,
            allow_code=options.allow_code,
        )
        return Subject(play_to_end(loaded, how), frozenset(problem.key for problem in problems))

    # --- unseen problems --------------------------------------------------------------------------------------

    def _check(
        self, who: str, problems: Sequence[Problem], models: Iterable[Mapping[str, Any]], base_dir: Path
    ) -> None:
        """That they are not in what these models learned, which are told as a scenario's dump tells them."""
        learned = Learned(self._named, allow_import=self._options.allow_import)
        local = (told for told in models if told["engine"] != "openai")
        for part in (part for told in local for key in ("model", "lora") if (part := told.get(key))):
            place = base_dir / Path(part).expanduser()
            if not place.is_dir() and part != "embedded":
                self._note(f"{part}: no directory here, so what it was trained on is not checked")
            learned.add(place, part)
        for note in learned.notes:
            self._note(note)
        if not learned.places:
            return
        found = learned.seen(problems)
        where = ", ".join(dict.fromkeys(learned.places))
        if not found:
            self._note(f"{who}: none of its {len(problems)} problems is in {where}")
            return
        shown = ", ".join(problem.id for problem in found[:_SHOWN])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        said = (
            f"{who}: {len(found)} of its {len(problems)} problems were trained on (in {where}): {shown}{more}"
        )
        if not self._options.allow_seen:
            raise UsageError(f"{said}; evaluate on others, or add --allow-seen")
        self._note(said)

    def _note(self, said: str) -> None:
        if said not in self.notes:
            self.notes.append(said)


def _sat(manifest: Manifest) -> list[dict[str, Any]]:
    """The models in a run's seats. Read as they stand: with its defaults in it a scenario is none that may be given."""
    seats: list[dict[str, Any]] = list(manifest.scenario["seats"].values())
    members = (member for seat in seats for member in seat.get("options", {}).get("members", ()))
    named = {each.get("model") for each in (*seats, *members)}
    # A seat that the protocol did not ask has no model that was built.
    return [manifest.scenario["models"][name] for name in sorted(manifest.models) if name in named]


def seated(model: str, on: str, sets: Sequence[str]) -> tuple[Loaded, str]:
    """The scenario with the model where its policy's is, and a name for the two that other weights do not share.

    Raises:
        UsageError: no such scenario, or no model sits in its policy's seat.
    """
    loaded = load_scenario(on, sets)
    seat = loaded.scenario.seats.policy.model
    if seat is None:
        raise UsageError(f"--on {on}: no model sits in its policy's seat")
    place = Path(model).expanduser()
    local = place.is_dir()
    if model != "embedded":
        check_model_source(model)
    # Relative to the scenario, as its own paths are.
    given = os.path.relpath(place, loaded.base_dir) if local else model
    put = [f"models.{seat}.model={json.dumps(given)}"]
    if loaded.scenario.models[seat].lora is not None:
        put.append(f"models.{seat}.lora=null")  # it was of the weights that were there
    loaded = load_scenario(on, [*sets, *put])
    what = json.dumps([weights_digest(place) if local else model, *sets])
    return loaded, f"{slug(place.name)}-{sha256(what.encode()).hexdigest()[:8]}"
