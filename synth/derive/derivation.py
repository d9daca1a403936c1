"""The contract of a kind of row: options in, samples of one problem in, rows out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from longthought.protocols.transcript import Transcript
from longthought.synth.derive.rows import Row
from longthought.synth.file_hash import file_hash


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that was not made, and why; manifests count these by reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Counted:
    """Something about the row made before it that is worth counting; manifests count these by what they say."""

    what: str


class Derivation(BaseModel, ABC):
    """A kind of row. Its fields are its options; they are written into the manifest of every corpus.

    ``rows`` is a pure function of the samples and the options: no clock, no global random state, no
    environment.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The type of every row it makes; it fixes the columns of the files.
    row: ClassVar[type[Row]]
    #: Options that name a file.
    files: ClassVar[tuple[str, ...]] = ("phrases", "perplexities", "rewrites")

    @abstractmethod
    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped | Counted]:
        """The rows of one problem, given all its samples (epochs) that are to be used, in order."""

    def account(self) -> dict[str, Any]:
        """What the manifest says of its options: of a file what is in it, not where it lies.

        Raises:
            UsageError: a file cannot be read.
        """
        options = self.model_dump(mode="json")
        for name in self.files:
            if (file := options.get(name)) is not None:
                options[name] = {"name": Path(file).name, "sha256": file_hash(Path(file))}
        if (place := options.get("prompts")) is not None and Path(place).is_dir():
            texts = [(file.name, file.read_bytes()) for file in sorted(Path(place).glob("*.md"))]
            options["prompts"] = {
                "name": Path(place).name,
                "sha256": sha256(repr(texts).encode()).hexdigest(),
            }
        return options
