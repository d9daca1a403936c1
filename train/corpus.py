"""Reading corpora: rows of one kind from JSONL or Parquet, one at a time, and the hashes of their files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, cast

import orjson

from longthought.agents.errors import UsageError
from longthought.train.settings import CorpusSettings


@dataclass(frozen=True, slots=True)
class Row:
    """One row and where it stands, for error messages: ``sft/train.jsonl row 7 (id)``."""

    content: dict[str, Any]
    where: str


def corpus_file(corpus: CorpusSettings, split: Literal["train", "validation"] = "train") -> Path:
    """The file with the rows: ``<path>/<kind>/<split>.jsonl`` or ``.parquet``, or ``path`` itself if a file.

    Raises:
        UsageError: there is none; names the kinds that there are.
    """
    if corpus.path.is_file():
        return corpus.path
    for suffix in ("jsonl", "parquet"):
        file = corpus.path / corpus.kind / f"{split}.{suffix}"
        if file.is_file():
            return file
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
        file = corpus_file(corpus)
        for index, content in enumerate(_contents(file)):
            if corpus.limit is not None and index >= corpus.limit:
                break
            row = Row(content, f"{file} row {index + 1} ({content.get('id', 'no id')})")
            # Spreads a fractional weight evenly over the rows, without chance.
            copies = int((index + 1) * corpus.weight) - int(index * corpus.weight)
            for _ in range(copies):
                yield row


def corpus_hashes(corpora: Iterable[CorpusSettings]) -> dict[str, str]:
    """SHA-256 of each corpus's manifest, or of the rows' file where there is none."""
    hashes = dict[str, str]()
    for corpus in corpora:
        manifest = corpus.path / "manifest.json"
        file = manifest if manifest.is_file() else corpus_file(corpus)
        with file.open("rb") as stream:
            hashes[str(file)] = hashlib.file_digest(stream, "sha256").hexdigest()
    return hashes


def _contents(file: Path) -> Iterator[dict[str, Any]]:
    readers = {".parquet": _parquet, ".json": _json}
    rows = readers.get(file.suffix, _jsonl)(file)
    for index, content in enumerate(rows):
        if not isinstance(content, dict):
            raise UsageError(f"{file} row {index + 1}: expected a JSON object")
        yield cast("dict[str, Any]", content)


def _jsonl(file: Path) -> Iterator[object]:
    number = 0
    try:
        with file.open("rb") as stream:
            for line in stream:
                number += 1
                if line.strip():
                    yield orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{file} line {number}: not JSON: {error}") from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error}") from error


def _json(file: Path) -> Iterator[object]:
    try:
        rows = orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise UsageError(f"{file}: cannot be read as JSON: {error}") from error
    if not isinstance(rows, list):
        raise UsageError(f"{file}: expected a list of records; a file of JSON lines ends in .jsonl")
    yield from cast("list[object]", rows)


def _parquet(file: Path) -> Iterator[object]:
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    try:
        for batch in parquet.ParquetFile(file).iter_batches(batch_size=1000):
            yield from batch.to_pylist()
    except (OSError, arrow.ArrowInvalid) as error:
        raise UsageError(f"{file}: cannot be read as Parquet: {error}") from error
