"""Reading corpora: rows of one kind from JSONL or Parquet, one at a time, and the hashes of their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from longthought.agents.errors import UsageError
from longthought.synth.file_hash import file_hash
from longthought.synth.table_rows import objects
from longthought.train.settings import CorpusSettings


@dataclass(frozen=True, slots=True)
class Row:
    """One row and where it stands, for error messages: ``sft/train.jsonl row 7 (id)``."""

    content: dict[str, Any]
    where: str


def corpus_files(corpus: CorpusSettings, split: Literal["train", "validation"] = "train") -> list[Path]:
    """The files with the rows: ``<path>/<kind>/<split>.jsonl``, or its Parquet shards, or ``path`` itself if a file.

    Raises:
        UsageError: there is none, or a shard is missing; names the kinds that there are.
    """
    if corpus.path.is_file():
        return [corpus.path]
    rows = corpus.path / corpus.kind
    for file in (rows / f"{split}.jsonl", rows / f"{split}.parquet"):
        if file.is_file():
            return [file]
    if shards := sorted(rows.glob(f"{split}-*-of-*.parquet")):
        last = shards[-1].stem.rpartition("-")[2]
        if not last.isdecimal() or int(last) != len(shards):
            raise UsageError(
                f"corpora: {rows} has {len(shards)} of {last} files {split}-*.parquet; export it again"
            )
        return shards
    if not corpus.path.is_dir():
        raise UsageError(f"corpora: {corpus.path} does not exist; make it with `longthought export`")
    kinds = sorted(p.name for p in corpus.path.iterdir() if p.is_dir())
    raise UsageError(
        f"corpora: {corpus.path} has no {corpus.kind}/{split}.jsonl or .parquet; "
        f"kinds there: {', '.join(kinds) or 'none'}"
    )


def read_rows(corpora: Iterable[CorpusSettings]) -> Iterator[Row]:
    """All training rows in order, each repeated or left out as its corpus's ``limit`` and ``weight`` say.

    Raises:
        UsageError: a file is missing, unreadable, or a line is not a JSON object.
    """
    for corpus in corpora:
        rows = (
            Row(content, f"{file} row {number} ({content.get('id', 'no id')})")
            for file in corpus_files(corpus)
            for number, (_, content) in enumerate(objects(file), start=1)
        )
        for index, row in enumerate(islice(rows, corpus.limit)):
            # Spreads a fractional weight evenly over the rows, without chance.
            copies = int((index + 1) * corpus.weight) - int(index * corpus.weight)
            for _ in range(copies):
                yield row


def first_row(corpus: CorpusSettings) -> Row:
    """The first row of a corpus.

    Raises:
        UsageError: there is none; or as ``read_rows``.
    """
    files = corpus_files(corpus)
    for file in files:
        for _, content in objects(file):
            return Row(content, f"{file} row 1 ({content.get('id', 'no id')})")
    raise UsageError(
        f"corpora: {files[0]} holds no rows; leave it out, or export it from debates that have some"
    )


def corpus_hashes(corpora: Iterable[CorpusSettings]) -> dict[str, str]:
    """SHA-256 of each corpus's manifest, if it has one, and of the rows' files, which may have been changed by hand."""
    hashes = dict[str, str]()
    for corpus in corpora:
        manifest = corpus.path / "manifest.json"
        for file in [*([manifest] if manifest.is_file() else ()), *corpus_files(corpus)]:
            hashes[str(file)] = file_hash(file)
    return hashes
