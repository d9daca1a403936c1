"""A run's manifest: what is run, with what, by which versions, how it went. Written before the first call."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longthought import __version__
from longthought.agents.errors import JournalMismatch, UsageError
from longthought.agents.problems import Problem, hash_problems
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.load import Loaded
from longthought.scenarios.replace_file import replace_file
from longthought.synth.differences import differences

FILE = "manifest.json"
Status = Literal["running", "finished", "cancelled", "failed"]

#: Packages whose versions can change what a run says.
_PACKAGES = (
    "autogen-agentchat",
    "math-verify",
    "openai",
    "pydantic",
    "reasoning-gym",
    "torch",
    "transformers",
    "vllm",
)


class Identity(BaseModel):
    """What makes two runs the same run. Where a model is asked how, in what hurry, is not part of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scenario: dict[str, Any]
    prompts: dict[str, str]

    @property
    def hash(self) -> str:
        return sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()


class Manifest(BaseModel):
    """``manifest.json``. Times are ISO 8601 in UTC; prices are per million tokens."""

    model_config = ConfigDict(extra="forbid")

    name: str
    status: Status
    error: str = ""
    started: str
    finished: str | None = None
    source: str
    #: The resolved scenario: every default and every ``--set`` is in it.
    scenario: dict[str, Any]
    scenario_hash: str
    #: Hashes of the prompt texts by part.
    prompts: dict[str, str]
    seed: int
    #: Problems of this run (``--limit`` may take fewer than the dataset has), and a hash of them in order.
    problems: int
    problems_hash: str
    debates: int
    models: dict[str, str] = Field(default_factory=dict)
    #: Who each of them is (``Engines.identity``), by the digest of its weights where they are local.
    identities: dict[str, dict[str, Any]] = Field(default_factory=dict)
    prices: dict[str, dict[str, float]] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    #: What the passport that the scenario demands says of the critic.
    passport: dict[str, Any] | None = None
    outcomes: dict[str, int] = Field(default_factory=dict)

    @property
    def identity(self) -> Identity:
        return Identity(scenario=self.scenario, prompts=self.prompts)


def identity_of(loaded: Loaded, prompts: Mapping[str, str]) -> Identity:
    """The scenario with every default in it, and its prompts, whose texts are given by part."""
    texts = {part: sha256(text.encode()).hexdigest() for part, text in prompts.items()}
    # The rewriter's seat comes after the debates and has no part in them.
    scenario = loaded.scenario.model_dump(mode="json", exclude_none=True, exclude={"seats": {"rewriter"}})
    return Identity(scenario=scenario, prompts=texts)


def new_manifest(
    loaded: Loaded,
    identity: Identity,
    problems: Sequence[Problem],
    models: Mapping[str, str],
    identities: Mapping[str, dict[str, Any]],
    passport: dict[str, Any] | None = None,
) -> Manifest:
    """The manifest of a run that starts now."""
    scenario = loaded.scenario
    return Manifest(
        name=scenario.name,
        status="running",
        started=now(),
        source=loaded.source,
        scenario=identity.scenario,
        scenario_hash=identity.hash,
        prompts=identity.prompts,
        seed=scenario.seed,
        problems=len(problems),
        problems_hash=hash_problems(problems),
        debates=len(problems) * scenario.epochs,
        models=dict(models),
        identities=dict(identities),
        prices={
            name: spec.price.model_dump()
            for name, spec in scenario.models.items()
            if name in models and spec.price
        },
        versions=_versions(),
        passport=passport,
    )


def read_manifest(run_dir: Path) -> Manifest | None:
    """The run's manifest, or None where there is none.

    Raises:
        UsageError: there is a file of that name, and it is no manifest of a run.
    """
    file = run_dir / FILE
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise UsageError(f"{run_dir}: is a file; name a directory with --run-dir") from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise UsageError(f"{file}: not the manifest of a run; choose another --run-dir") from error


def write_manifest(run_dir: Path, manifest: Manifest) -> None:
    """Replace the run's manifest in one step.

    Raises:
        RunError: it cannot be written (a full disk); the old one stays.
    """
    replace_file(run_dir / FILE, manifest.model_dump_json(indent=2) + "\n")


def check_same_run(run_dir: Path, old: Manifest, new: Manifest, problems: Sequence[Problem]) -> None:
    """That a run may be gone on with: the same scenario, prompts, models and problems, as far as both have them.

    Raises:
        JournalMismatch: with each changed key, old → new.
    """
    changes = [
        f"{key}: {was} → {is_}"
        for key, was, is_ in (
            *differences(old.scenario, new.scenario),
            *differences({"prompts": old.prompts}, {"prompts": new.prompts}),
        )
    ]
    if not changes:
        who = {name: new.identities.get(name) for name in old.identities}
        changes = [
            f"{key}: {was} → {is_}"
            for key, was, is_ in differences({"identities": old.identities}, {"identities": who})
        ]
    # A larger or smaller --limit is the same run, if the problems that both have are the same.
    both = min(old.problems, new.problems)
    if not changes and not _begin_alike(run_dir, old, problems):
        changes = [f"the dataset's first {both} problems: {old.problems_hash[:12]} → other problems"]
    if changes:
        raise JournalMismatch(
            f"{run_dir}: holds the run of another scenario ({'; '.join(changes)}); change it back, "
            "move the old run away (`run --force-new` does), or choose another --run-dir"
        )


def _begin_alike(run_dir: Path, old: Manifest, problems: Sequence[Problem]) -> bool:
    """Whether the problems that the old run and the new one both have are the same."""
    if old.problems <= len(problems):
        return hash_problems(problems[: old.problems]) == old.problems_hash
    # The hash of more problems says nothing of the first of them; what was played does.
    given = {problem.id: problem for problem in problems}
    epochs = old.debates // old.problems
    return all(
        (problem := given.get(each.problem.id)) is not None
        and (problem.question, problem.gold) == (each.problem.question, each.problem.gold)
        for each in read_transcripts(run_dir)
        if each.number < len(problems) * epochs
    )


def _versions() -> dict[str, str]:
    versions = {"longthought": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
