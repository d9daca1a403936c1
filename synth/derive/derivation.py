"""The contract of a kind of row: options in, samples of one problem in, rows out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from longthought.protocols.transcript import Transcript
from longthought.synth.derive.rows import Row


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

    @abstractmethod
    def rows(self, samples: Sequence[Transcript]) -> Iterator[Row | Dropped | Counted]:
        """The rows of one problem, given all its samples (epochs) that are to be used, in order."""
