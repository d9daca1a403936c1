"""Proving and tokenising rows on their way into a corpus."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field

from longthought.agents.errors import UsageError
from longthought.synth.clean.passes import Origin, Pass
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import Row, SftRow
from longthought.synth.tokens.load import digest_of, tokenizer_of
from longthought.synth.tokens.pretokenise import Pretokeniser, TokenRow
from longthought.synth.tokens.verify import Verifier


class VerifyTemplate(Pass):
    """Rows that the ``model`` would not be trained on as they stand end the export, or are dropped."""

    name: ClassVar[str] = "verify_template"
    needs: ClassVar[tuple[str, ...]] = ("transformers",)

    model: str
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

    def account(self) -> dict[str, Any]:
        return {**super().account(), "tokenizer": digest_of(self._tokenizer)}

    @cached_property
    def _tokenizer(self) -> Any:
        return tokenizer_of(self.model)

    @cached_property
    def _verifier(self) -> Verifier:
        return Verifier(self._tokenizer, self.max_length)


class Tokenize(Pass):
    """Rows of chats become token ids and labels; rows of other kinds stay as they are."""

    name: ClassVar[str] = "tokenize"
    needs: ClassVar[tuple[str, ...]] = ("transformers",)

    model: str

    def row_type(self, given: type[Row]) -> type[Row]:
        return TokenRow if issubclass(given, SftRow) else given

    def __call__(self, row: Row, origin: Origin) -> Row | Dropped:
        return self._pretokeniser.row(row) if isinstance(row, SftRow) else row

    def account(self) -> dict[str, Any]:
        return {**super().account(), "tokenizer": digest_of(self._tokenizer)}

    @cached_property
    def _tokenizer(self) -> Any:
        return tokenizer_of(self.model)

    @cached_property
    def _pretokeniser(self) -> Pretokeniser:
        return Pretokeniser(self._tokenizer)
