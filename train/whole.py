"""Whole directories: every file is on the disk before the record, which names them and their bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longthought.synth.corpus.row_files import sync
from longthought.train.provenance import RECORD, read_record, write_record


def seal(directory: Path, record: Mapping[str, Any]) -> None:
    """Bring all files to the disk, and then the record with their sizes as ``files``."""
    sizes = _sizes(directory)
    for file in sizes:
        sync(directory / file)
    write_record(directory, {**record, "files": sizes})
    sync(directory)


def is_whole(directory: Path) -> bool:
    """Whether every file that the record names is there, with all of its bytes."""
    files = read_record(directory).get("files")
    return isinstance(files, dict) and files.items() <= _sizes(directory).items()


def _sizes(directory: Path) -> dict[str, int]:
    """Every file in it but its record, with its bytes."""
    files = sorted(file for file in directory.rglob("*") if file.is_file() and file != directory / RECORD)
    return {str(file.relative_to(directory)): file.stat().st_size for file in files}
