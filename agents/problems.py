"""A problem: a question with an id, perhaps a gold answer, and the name of the scorer that judges answers."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from longthought.agents.injection import suspicion

#: An id and a question.
ProblemKey = tuple[str, str]


class Problem(BaseModel):
    """One row of a dataset.

    ``gold`` never reaches a seat unless the scenario says so; ``metadata`` is whatever the dataset's scorer needs
    (a reasoning-gym entry's metadata, say) and is not shown to seats either.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    question: str = Field(min_length=1)
    gold: str | None = None
    scorer: str = "none"
    metadata: dict[str, Any] = Field(default_factory=dict)

    @property
    def suspect_injection(self) -> bool:
        """The question tries to speak with another's voice (``agents.injection``)."""
        return suspicion(self.question) is not None

    @property
    def key(self) -> ProblemKey:
        """What tells it from others: ids may be those of lines, which files of the same name share."""
        return self.id, self.question


def hash_problems(problems: Iterable[Problem]) -> str:
    """One hash of the problems in their order."""
    digest = sha256()
    for problem in problems:
        digest.update(problem.model_dump_json().encode() + b"\n")
    return digest.hexdigest()
