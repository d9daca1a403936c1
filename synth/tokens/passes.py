"""Proving and tokenising rows on their way into a corpus."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field

from longthought.agents.errors import UsageError
from longthought.synth.clean.passes import Origin, Pass
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import Row, SftRow
from longthought.synth.tokens.load import digest_of, name_of, tokenizer_of
from longthought.synth.tokens.pretokenise import Pretokeniser, TokenRow
from longthought.synth.tokens.verify import Verifier


class _ForModel(Pass):
    """What goes by a ``model``'s tokenizer and chat template."""

    needs: ClassVar[tuple[str, ...]] = ("transformers",)

    model: str

    def account(self) -> dict[str, Any]:
        return {**super().account(), "model": name_of(self.model), "tokenizer": digest_of(self._tokenizer)}

    @cached_property
    def _tokenizer(self) -> Any:
        return tokenizer_of(self.model)


class VerifyTemplate(_ForModel):
    """Rows that the model would not be trained on as they stand end the export, or are dropped."""

    name: ClassVar[str] = "verify_template"

    max_length: int | None = Field(default=None, ge=1)
    otherwise: Literal["stop", "drop"] = "stop"

    def __call__(self, row: Row, origin: Origin) -> Row | Dropped:
        said = self._verifier.complaint(vars(row))
        if said is None:
            return row
        if self.otherwise == "drop":
            return Dropped(f"verify_template: {said.reason}")
        raise UsageError(
            f"export: {origin.kind} row {row.id}: {said}; or leave such rows out with --unverified drop"
        )

    @cached_property
    def _verifier(self) -> Verifier:
        return Verifier(self._tokenizer, self.max_length)


class Tokenize(_ForModel):
    """Rows of chats become token ids and labels; rows of other kinds stay as they are."""

    name: ClassVar[str] = "tokenize"

    def row_type(self, given: type[Row]) -> type[Row]:
        return TokenRow if issubclass(given, SftRow) else given

    def __call__(self, row: Row, origin: Origin) -> Row | Dropped:
        return self._pretokeniser.row(row) if isinstance(row, SftRow) else row

    @cached_property
    def _pretokeniser(self) -> Pretokeniser:
        return Pretokeniser(self._tokenizer)
