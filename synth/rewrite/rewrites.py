"""A file of rewrites: a JSON line for each thought that was to be rewritten, and what a journey takes from it.

A rewrite is for one debate and one draft of it. Its cuts are believed only with the digest that the check left beside
them; a line that somebody edited is checked anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longthought.agents.errors import UsageError
from longthought.agents.injection import suspicion
from longthought.synth.derive.neutral import neutral
from longthought.synth.telling.masks import Span
from longthought.synth.telling.pieces import Piece, joined


class Rewrite(BaseModel):
    """One line of the file.

    Attributes:
        id: of the debate.
        draft: the digest of the draft and its answer.
        kept: the check let it pass.
        rewrite: the text, also of one that was refused.
        cuts: where the stretch of each piece begins.
        checked: the digest that says that ``cuts`` are the check's.
        complaints: what the check said of the last one.
        asked: how often the model was asked.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    draft: str
    kept: bool
    rewrite: str = ""
    cuts: tuple[int, ...] = ()
    checked: str = ""
    complaints: tuple[str, ...] = ()
    asked: int = Field(default=0, ge=0)


class Rewrites:
    """The rewrites of a file, which stay on the disk; only where each begins is in memory.

    Raises:
        UsageError: no such file, or a line that is no rewrite.
    """

    def __init__(self, file: str) -> None:
        self._file = Path(file)
        self._places: dict[tuple[str, str], int] = {}
        at = 0
        try:
            with self._file.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    row = self._read(line, number)
                    if row.kept:
                        self._places[row.id, row.draft] = at
                    at += len(line)
        except OSError as error:
            raise UsageError(f"rewrites: {file}: {error.strerror}") from error

    def of(self, debate: str, pieces: Sequence[Piece], answer: str) -> list[Piece] | None:
        """The pieces as the kept rewrite of this draft tells them; None if there is none."""
        at = self._places.get((debate, draft_digest(pieces, answer)))
        if at is None:
            return None
        with self._file.open("rb") as lines:
            lines.seek(at)
            row = self._read(lines.readline(), None)
        cuts = row.cuts
        if row.checked != checked_digest(row.draft, row.rewrite, cuts) or len(cuts) != len(pieces):
            from longthought.synth.rewrite.fidelity import check

            found = check(pieces, answer, row.rewrite)
            if found.complaints or blemish(row.rewrite, joined(pieces)):
                return None
            cuts = tuple(start for start, _ in found.spans)
        spans = pairwise((*cuts, len(row.rewrite)))
        return retold(pieces, row.rewrite, list(spans))

    def _read(self, line: bytes, number: int | None) -> Rewrite:
        try:
            return Rewrite.model_validate_json(line)
        except ValidationError as error:
            where = f"{self._file}:{number}" if number else str(self._file)
            raise UsageError(
                f"rewrites: {where}: not a line of `longthought rewrite`; make the file anew"
            ) from error


def retold(pieces: Sequence[Piece], rewrite: str, spans: Sequence[Span]) -> list[Piece]:
    """The pieces with their stretches of the rewrite as text; joined, they are the rewrite."""
    return [
        replace(
            piece, text=rewrite[start:end], gap="", why=piece.why if piece.why in rewrite[start:end] else ""
        )
        for piece, (start, end) in zip(pieces, spans, strict=True)
    ]


def draft_digest(pieces: Sequence[Piece], answer: str) -> str:
    """Names a draft: its text and its answer."""
    return blake2b(f"{joined(pieces)}\0{answer}".encode(), digest_size=16).hexdigest()


def checked_digest(draft: str, rewrite: str, cuts: Sequence[int]) -> str:
    """Names what the check passed, so that a line that was edited is not believed."""
    said = f"{draft}\0{rewrite}\0{','.join(map(str, cuts))}"
    return blake2b(said.encode(), digest_size=16).hexdigest()


def blemish(rewrite: str, draft: str) -> str:
    """What makes a rewrite unfit beside what it loses; empty if nothing does.

    A reply is a stranger's text: what may be read as another's voice, or as a token of its own, stays out.
    """
    if neutral(rewrite) != rewrite:
        return "it holds a thought tag or a special token"
    if (found := suspicion(rewrite)) is not None and suspicion(draft) is None:
        return f"it looks like an injection ({found})"
    return ""
