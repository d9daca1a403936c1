"""Perplexity window: rows whose debate a model found too easy or too odd, by values measured beforehand.

STILL-2 selects by perplexity and length. ``longthought perplexity`` writes the file, a line for each debate such as
``{"id": "gsm8k-7#0", "journey": 3.1}``.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, cast

import orjson
from pydantic import Field, model_validator

from longthought.agents.errors import UsageError
from longthought.synth.clean.passes import Origin, Pass
from longthought.synth.clean.question_files import file_hash
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import Row


class Perplexity(Pass):
    """``min`` and ``max`` of the file's ``value``; ``unknown``: what becomes of rows that it does not name.

    A row is looked up by its id, which is its debate's for solutions; name those ``kinds`` if there are others.
    """

    name: ClassVar[str] = "perplexity"

    file: Path
    value: str = "journey"
    min: float | None = Field(default=None, ge=0)
    max: float | None = Field(default=None, ge=0)
    unknown: Literal["drop", "keep"] = "drop"

    @model_validator(mode="after")
    def _a_window(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("name a min, a max, or both")
        if self.min is not None and self.max is not None and self.max < self.min:
            raise ValueError(f"max {self.max:g} is below min {self.min:g}")
        return self

    def __call__(self, row: Row, origin: Origin) -> Row | Dropped:
        value = self._value(row.id)
        if value is None:
            return row if self.unknown == "keep" else Dropped("perplexity: not known")
        if self.min is not None and value < self.min:
            return Dropped(f"perplexity: below {self.min:g}")
        if self.max is not None and value > self.max:
            return Dropped(f"perplexity: above {self.max:g}")
        return row

    def account(self) -> dict[str, Any]:
        return {**super().account(), "file": {"name": self.file.name, "sha256": file_hash(self.file)}}

    def _value(self, id: str) -> float | None:
        keys, values = self._known
        key = _key(id)
        at = bisect_left(keys, key)
        return values[at] if at < len(keys) and keys[at] == key else None

    @cached_property
    def _known(self) -> tuple[array[int], array[float]]:
        """Hashes of ids in order, and their values: 16 bytes a debate."""
        found: dict[int, float] = {}
        try:
            with self.file.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    if line.strip():
                        id, value = self._line(number, line)
                        found[_key(id)] = value
        except OSError as error:
            raise UsageError(f"perplexity.file: {self.file}: {error.strerror}") from error
        keys = sorted(found)
        return array("Q", keys), array("d", (found[key] for key in keys))

    def _line(self, number: int, line: bytes) -> tuple[str, float]:
        try:
            row: object = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise UsageError(f"perplexity.file: {self.file}:{number}: not JSON: {error}") from error
        fields = cast("dict[str, object]", row) if isinstance(row, dict) else {}
        id, value = fields.get("id"), fields.get(self.value)
        if not isinstance(id, str) or isinstance(value, bool) or not isinstance(value, (int, float)):
            raise UsageError(
                f"perplexity.file: {self.file}:{number}: needs a text `id` and a number `{self.value}`"
            )
        return id, float(value)


def _key(id: str) -> int:
    return int.from_bytes(blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8).digest())
