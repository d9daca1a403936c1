"""Exact duplicates: of rows that read the same, the first one stays.

Texts are compared as Unicode NFKC in one case, white space as single blanks. Of each row that stays, sixteen bytes are
kept in memory.
"""

from __future__ import annotations

import unicodedata
from hashlib import blake2b
from typing import ClassVar

import orjson

from longthought.synth.clean.passes import Gate, Keeper, Mark, Origin, columns, texts_of
from longthought.synth.derive.rows import Row


class Exact(Gate):
    """The whole row counts, its prompt and its labels too, but not its ids."""

    name: ClassVar[str] = "exact"

    def mark(self, row: Row, origin: Origin) -> Mark:
        digest = blake2b(digest_size=16)
        for _, value in columns(row):
            found = [normal(text) for text in texts_of(value)]
            # What is no text is compared too: a label, a mask.
            digest.update(orjson.dumps(found or value))
        return digest.digest()

    def keeper(self) -> Keeper:
        return _Seen()


class _Seen(Keeper):
    def __init__(self) -> None:
        self._seen: set[Mark] = set()

    def refuses(self, mark: Mark) -> str | None:
        if mark in self._seen:
            return "exact: the same as a row before"
        self._seen.add(mark)
        return None


def normal(text: str) -> str:
    """The text as it is compared."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
