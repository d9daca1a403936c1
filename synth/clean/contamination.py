"""Decontamination: rows whose question shares a run of eight words with a question of a given evaluation file.

The method of s1 and of open-r1's ``decontaminate.py``: lower case, white space as single blanks, one common word 8-gram
is enough. Departures: punctuation at a word's ends does not count, so that a question mark hides nothing; and a
question of fewer than eight words, which has no 8-gram and would never be found, is compared whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from string import punctuation
from typing import Any, ClassVar

from pydantic import Field

from longthought.synth.clean.exact import normal
from longthought.synth.clean.passes import Origin, Pass
from longthought.synth.clean.question_files import questions
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import Row
from longthought.synth.file_hash import file_hash


class Contamination(Pass):
    """``files``: JSONL, JSON or CSV; ``column`` holds the question, else the first of question, problem, prompt, …"""

    name: ClassVar[str] = "contamination"

    files: tuple[Path, ...] = Field(min_length=1)
    column: str | None = None
    n: int = Field(default=8, ge=1)

    def __call__(self, row: Row, origin: Origin) -> Row | Dropped:
        if self._marked.isdisjoint(_grams(origin.problem.question, self.n)):
            return row
        return Dropped(f"contamination: shares {self.n} words in a row with an evaluation question")

    def account(self) -> dict[str, Any]:
        # Names and hashes, and no directories: the manifest is the same wherever the files lie.
        hashes = [{"name": file.name, "sha256": file_hash(file)} for file in self.files]
        return {**super().account(), "files": hashes}

    @cached_property
    def _marked(self) -> set[int]:
        """The grams of all questions, as hashes: about 40 bytes for each word of them."""
        return {
            gram
            for file in self.files
            for question in questions(file, self.column)
            for gram in _grams(question, self.n)
        }


def _grams(question: str, n: int) -> Iterator[int]:
    words = [word for word in (part.strip(punctuation) for part in normal(question).split()) if word]
    for at in range(max(1, len(words) - n + 1)):
        gram = " ".join(words[at : at + n])
        if gram:
            yield int.from_bytes(blake2b(gram.encode("utf-8", "surrogatepass"), digest_size=8).digest())
