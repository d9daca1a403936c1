"""A passport: what was measured of one reward model or critic, on which data, for manifests, cards and entry checks."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longthought import __version__
from longthought.agents.errors import UsageError
from longthought.train.judging.ask import Progress
from longthought.train.judging.breakdown import Bin, Cell, by_kind, by_position, reliability
from longthought.train.judging.figures import Figure, figures
from longthought.train.judging.said import Steps


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Subject(_Record):
    """Who was measured. Two subjects with one ``hash`` are the same reward or critic."""

    kind: Literal["reward", "critic"]
    name: str
    identity: dict[str, Any]

    @property
    def hash(self) -> str:
        said = self.model_dump(mode="json", exclude={"name"})
        return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


class Data(_Record):
    """What it was measured on."""

    name: str
    sha256: str
    solutions: int
    labelled_steps: int
    wrong_steps: int


class Passport(_Record):
    """``passport.json``. Tokens are those of the models asked, seconds the wall time of the call that asked last."""

    format: Literal["longthought-passport/1"] = "longthought-passport/1"
    subject: Subject
    subject_hash: str
    data: Data
    threshold: float
    neutral: Literal["right", "wrong"]
    figures: dict[str, Figure]
    by_kind: dict[str, Cell] = Field(default_factory=dict)
    by_position: list[Cell]
    reliability: list[Bin]
    #: Labelled steps of which nothing was read; no figure counts them.
    unscored: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    version: str = __version__


def make_passport(
    subject: Subject,
    steps: Steps,
    data: Path,
    progress: Progress,
    *,
    threshold: float,
    neutral: Literal["right", "wrong"],
    seed: int = 0,
) -> Passport:
    """The passport of what was said of ``steps``, which were made with the same threshold and ``neutral``."""
    return Passport(
        subject=subject,
        subject_hash=subject.hash,
        data=Data(
            name=data.name,
            sha256=sha256(data.read_bytes()).hexdigest(),
            solutions=steps.solutions,
            labelled_steps=len(steps.wrong) + steps.unscored,
            wrong_steps=int(steps.wrong.sum()),
        ),
        threshold=threshold,
        neutral=neutral,
        figures=figures(steps, seed=seed),
        by_kind=by_kind(steps),
        by_position=by_position(steps),
        reliability=reliability(steps),
        unscored=steps.unscored,
        prompt_tokens=progress.usage.prompt,
        completion_tokens=progress.usage.completion,
        seconds=round(progress.seconds, 2),
    )


def read_passport(file: Path) -> Passport:
    """A passport from its file.

    Raises:
        UsageError: there is none, or it is no passport.
    """
    try:
        return Passport.model_validate_json(file.read_bytes())
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; `longthought judge` makes passports") from error
    except ValidationError as error:
        raise UsageError(f"{file}: no passport; `longthought judge` makes them") from error
