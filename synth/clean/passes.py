"""The contract of what a row passes between its derivation and the files.

Two sorts, for rows are derived in several processes at once:

    Pass   a pure function of one row, called in the process that derived it; it may change the row's type
    Gate   knows the rows before: its ``mark`` of a row is taken there too, and whether the row may go through is
           decided from the marks alone, in the order of the corpus, in the one process that writes

A mark is taken at the gate's place in the order; but the gate decides on rows that come through all passes, those
behind it too. What it keeps in memory is made of marks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from pydantic import BaseModel, ConfigDict

from longthought.agents.problems import Problem
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import Row

#: What a gate knows of a row: small, and a value.
Mark = bytes | tuple[int, ...] | tuple[str, int]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a row comes from: its kind, and the problem of its debate."""

    kind: str
    problem: Problem


class Filter(BaseModel, ABC):
    """What passes and gates share. The fields are the options, and stand in the manifest of every corpus."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: What manifests, complaints and ``--filter`` call it.
    name: ClassVar[str]
    #: Modules that it imports late and that are slow to import: done once, for all workers.
    needs: ClassVar[tuple[str, ...]] = ()

    #: The kinds of rows that it looks at; all of them without it.
    kinds: tuple[str, ...] | None = None

    def account(self) -> dict[str, Any]:
        """What the manifest says of it: its options, and the hashes of files that it goes by."""
        return self.model_dump(mode="json", exclude_defaults=True)


class Pass(Filter):
    """Looks at one row at a time."""

    def row_type(self, given: type[Row]) -> type[Row]:
        """The type of the rows that come out, for rows of a type; it fixes the columns of the files.

        Raises:
            UsageError: rows of this type cannot be passed.
        """
        return given

    @abstractmethod
    def __call__(self, row: Row, origin: Origin) -> Row | Dropped:
        """The row, another one in its place, or why it is left out."""


class Gate(Filter):
    """Looks at a row in the light of those before it, kind by kind."""

    @abstractmethod
    def mark(self, row: Row, origin: Origin) -> Mark:
        """All that it has to know of the row."""

    @abstractmethod
    def keeper(self) -> Keeper:
        """Who decides, for one kind."""

    @property
    def counts_first(self) -> bool:
        """Whether the keeper must have seen the marks of all rows before it can decide."""
        return False


class Keeper(ABC):
    """The memory of a gate for one kind of row."""

    def see(self, mark: Mark) -> None:
        """A mark on the first way through, where there is one."""

    @abstractmethod
    def refuses(self, mark: Mark) -> str | None:
        """Why the row with this mark is left out, or None; what goes through is remembered."""


def asked(row: Row) -> Iterator[str]:
    """The texts of a row that are not the model's: prompts, and messages of other roles."""
    for name, value in columns(row):
        yield from texts_of(value, assistant=None if name == "prompt" else False)


def answered(row: Row) -> Iterator[str]:
    """The texts of a row that are the model's: what assistants say, completions, and other plain texts."""
    for name, value in columns(row):
        if name != "prompt":
            yield from texts_of(value, assistant=True)


def texts(row: Row) -> Iterator[str]:
    """All texts of a row, without its ids."""
    for _, value in columns(row):
        yield from texts_of(value)


def columns(row: Row) -> Iterator[tuple[str, object]]:
    """The columns of a row that say more than where it comes from."""
    for name in type(row).model_fields:
        if name not in Row.model_fields:
            yield name, getattr(row, name)


def texts_of(value: object, *, assistant: bool | None = None) -> Iterator[str]:
    """The texts in a column's value; ``assistant``: only messages of that role, or only those of others."""
    if isinstance(value, str):
        if assistant is not False:
            yield value
    elif isinstance(value, Mapping):
        message = cast("Mapping[str, object]", value)
        text = message.get("content")
        if isinstance(text, str) and assistant in (None, message.get("role") == "assistant"):
            yield text
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from texts_of(item, assistant=assistant)
