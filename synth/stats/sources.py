"""The thoughts of whatever is named: a corpus, a run, a file of transcripts or rows, or anything that can be imported.

A foreign file may hold thoughts between tags beside replies without; these are two sources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, cast

from longthought.agents.errors import UsageError
from longthought.protocols.transcript_files import read_transcripts
from longthought.synth.corpus.manifest import NAME as MANIFEST
from longthought.synth.corpus.manifest import read_manifest
from longthought.synth.corpus.slug import slug
from longthought.synth.imports.judged import judged
from longthought.synth.imports.read import Import
from longthought.synth.json_rows import json_rows, plain_stem
from longthought.synth.stats.profile import Profile, Profiler
from longthought.synth.stats.told import Told, of_row, of_transcript
from longthought.synth.table_rows import objects

#: Where a kind's rows stand if not in plain JSON lines; the first that is there is read.
_FORMATS = ("*.parquet", "*.openai.jsonl", "*.sharegpt.jsonl")
#: Kinds whose rows may be one message and its answer, but whose answer judges or debates a solution.
_NO_SOLUTIONS = ("critic", "critique", "dialogue")
#: Added to the name of a source's thoughts that it does not mark, where it marks others.
UNMARKED = ", unmarked"


def profiles(
    source: Path,
    size: Callable[[str], int] | None = None,
    unit: str = "words",
    limit: int | None = None,
    reading: Import | None = None,
) -> list[Profile]:
    """The profiles of a source: one of a run or file, one a kind of a corpus.

    Args:
        size: how long a text is, in ``unit``; without it, in words.
        limit: at most so many thoughts of each.
        reading: how foreign files are read.

    Raises:
        UsageError: nothing there, or nothing in it that is a thought.
    """
    made: list[Profile] = []
    for name, thoughts in _thoughts_of(source, reading or Import()):
        made += profiled(name, islice(thoughts, limit), size, unit)
    if not made:
        raise UsageError(f"{source}: no thought in it")
    return made


def profiled(
    name: str, thoughts: Iterable[Told], size: Callable[[str], int] | None = None, unit: str = "words"
) -> list[Profile]:
    """The profile of these thoughts, or two where only some are marked; none of none."""
    profilers = {mark: Profiler(size, unit) for mark in (True, False, None)}
    for told in thoughts:
        profilers[told.marked].add(told)
    # A thought that was cut shows no mark; it is of the sort that its source has.
    sort = bool(profilers[True].thoughts) or not profilers[False].thoughts
    found = [
        profiler.profile(name)
        for mark in (True, False)
        if (profiler := profilers[mark] + profilers[None] if mark is sort else profilers[mark]).thoughts
    ]
    return [found[0], found[1].model_copy(update={"name": name + UNMARKED})] if len(found) > 1 else found


def _thoughts_of(source: Path, reading: Import) -> Iterable[tuple[str, Iterable[Told]]]:
    if source.is_dir() and (source / MANIFEST).is_file() and not any(source.glob("journal-*.jsonl")):
        others = {
            slug(name) for name, one in read_manifest(source).kinds.items() if one.kind in _NO_SOLUTIONS
        }
        kinds = sorted(place for place in source.iterdir() if place.is_dir() and place.name not in others)
        return [(f"{source.name}/{kind.name}", _of_kind(kind)) for kind in kinds]
    if source.is_dir():
        return [(source.name, map(of_transcript, read_transcripts(source)))]
    if source.suffix == ".parquet":
        return [(source.stem, _of_rows(source))]
    first = next((place.row for place in json_rows(source) if not place.fault), None)
    columns: set[str] = set(cast("dict[str, Any]", first)) if isinstance(first, dict) else set()
    name = plain_stem(source)
    if {"thoughts", "judgements", "outcome"} <= columns:
        return [(name, map(of_transcript, read_transcripts(source)))]
    if {"messages", "trained"} <= columns:
        return [(name, _of_rows(source))]
    return [(name, map(of_transcript, judged(reading.in_order([source]))))]


def _of_kind(kind: Path) -> Iterator[Told]:
    """The rows of a kind, each once: an export may have written them in several formats."""
    lines = [kind / f"{split}.jsonl" for split in ("train", "validation")]
    choices = [[file for file in lines if file.is_file()], *(sorted(kind.glob(name)) for name in _FORMATS)]
    files = next((some for some in choices if some), list[Path]())
    return chain.from_iterable(map(_of_rows, files))


def _of_rows(file: Path) -> Iterator[Told]:
    return (told for _, row in objects(file) if (told := of_row(row)) is not None)
