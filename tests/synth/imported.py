"""Rows of others, imported in tests."""

from __future__ import annotations

from pathlib import Path

import orjson

from longthought.protocols.transcript import Transcript
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.rows import SftRow
from longthought.synth.imports.judged import judged
from longthought.synth.imports.read import Import
from longthought.synth.telling.thought_tags import ThoughtTags

THOUGHT = (
    "Okay, 6 times 7.\n\n6 times 7 is 48.\n\nWait, that is 6 times 8.\nSo it is 42.\n\n\n"
    "Alternatively, 7+7 is 14, and three of those are\n\n\\[\n14*3=42\n\\]\n\nSo 42 it is.\n"
)


def read(
    directory: Path,
    *rows: object,
    format: str | None = None,
    skip_broken: bool = False,
    scorer: str = "exact",
) -> list[Transcript]:
    file = directory / "rows.jsonl"
    file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    reading = Import(format, skip_broken=skip_broken, scorer=scorer)
    return list(judged(reading.transcripts([file])))


def one(directory: Path, row: object) -> Transcript:
    (transcript,) = read(directory, row)
    return transcript


def message(transcript: Transcript, tags: ThoughtTags | None = None) -> str:
    (row,) = Journey(solved_only=False, tags=tags or ThoughtTags()).rows([transcript])
    assert isinstance(row, SftRow), row
    return row.messages[1]["content"]
