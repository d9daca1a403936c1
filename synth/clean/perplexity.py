"""Perplexity window: rows whose debate a model found too easy or too odd, by values measured beforehand.

STILL-2 selects by perplexity and length. ``longthought perplexity`` writes the file (``synth.perplexities``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from longthought.synth.clean.passes import Origin, Pass
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import Row
from longthought.synth.file_hash import file_hash
from longthought.synth.perplexities import ToldAs, load_perplexities


class Perplexity(Pass):
    """``min`` and ``max`` of the file's ``value``; ``unknown``: what becomes of rows that it does not name.

    A row is looked up by its id, which is its debate's for solutions; name those ``kinds`` if there are others.
    """

    name: ClassVar[str] = "perplexity"

    file: Path
    value: ToldAs = "journey"
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
        value = load_perplexities(str(self.file)).of(row.id, row.run, self.value)
        if value is None:
            return row if self.unknown == "keep" else Dropped("perplexity: not known")
        if self.min is not None and value < self.min:
            return Dropped(f"perplexity: below {self.min:g}")
        if self.max is not None and value > self.max:
            return Dropped(f"perplexity: above {self.max:g}")
        return row

    def account(self) -> dict[str, Any]:
        return {**super().account(), "file": {"name": self.file.name, "sha256": file_hash(self.file)}}
