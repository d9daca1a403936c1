"""Length window: rows shorter or longer than asked for, in characters or in tokens of a named tokenizer.

STILL-2 drops short thoughts before it trains on the rest; a row longer than a trainer's window would be cut there.
"""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from longthought.agents.errors import UsageError
from longthought.synth.clean.passes import Origin, Pass, texts
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import Row


class Length(Pass):
    """``min`` and ``max`` of all texts of a row together; a chat template's own tokens are not counted."""

    name: ClassVar[str] = "length"

    min: int = Field(default=0, ge=0)
    max: int | None = Field(default=None, ge=1)
    #: A model's directory or its name on the hub; characters are counted without it.
    tokenizer: str | None = None

    @model_validator(mode="after")
    def _a_window(self) -> Self:
        if not self.min and self.max is None:
            raise ValueError("name a min, a max, or both")
        if self.max is not None and self.max < self.min:
            raise ValueError(f"max {self.max} is below min {self.min}")
        return self

    def __call__(self, row: Row, origin: Origin) -> Row | Dropped:
        size = sum(map(self._size, texts(row)))
        unit = "characters" if self.tokenizer is None else "tokens"
        if size < self.min:
            return Dropped(f"length: fewer than {self.min} {unit}")
        if self.max is not None and size > self.max:
            return Dropped(f"length: more than {self.max} {unit}")
        return row

    def _size(self, text: str) -> int:
        return len(text) if self.tokenizer is None else len(self._encode(text, add_special_tokens=False))

    @cached_property
    def _encode(self) -> Any:
        try:
            tokenizer: Any = import_module("transformers").AutoTokenizer.from_pretrained(self.tokenizer)
        except ImportError as error:
            raise UsageError("length.tokenizer needs: pip install 'longthought[local]'") from error
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0][:300]
            raise UsageError(f"length.tokenizer: {self.tokenizer}: {reason}") from error
        return tokenizer.encode
