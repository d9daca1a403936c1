"""The manifest of a corpus: what is in it, what was left out and why, and what it was made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, cast

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longthought.agents.errors import UsageError
from longthought.synth.corpus.licences import licence_of
from longthought.synth.file_hash import file_hash

NAME = "manifest.json"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Part):
    """A run that transcripts came from, as its own manifest names it; no hash for a bare file, which may hold more."""

    run: str
    scenario_hash: str | None = None
    #: Of its problems.
    licence: str | None = None
    debates: int = 0
    #: What the run's manifest says of its critic's passport.
    critic: dict[str, Any] | None = None


class KindCounts(_Part):
    """Rows of one kind by split, and what was not made into a row, by reason.

    ``left_out``: rows that stand in no file of a format, for it has no place for them; by format and reason.
    """

    #: Which kind it is; the corpus may have it under a name of its own.
    kind: str
    options: dict[str, Any]
    rows: dict[str, int]
    dropped: dict[str, int]
    left_out: dict[str, dict[str, int]] = Field(default_factory=dict)
    #: How many of the rows that were made, filters aside, are one thing or another: rewritten, or told as the draft.
    counted: dict[str, int] = Field(default_factory=dict)


class FileEntry(_Part):
    bytes: int
    sha256: str


class Manifest(_Part):
    """Holds no time and no path of this machine, so that the same transcripts give the same manifest."""

    format: Literal["longthought-corpus/2"] = "longthought-corpus/2"
    sources: list[Source]
    #: Of the sources, and those that were named for the whole.
    licences: list[str] = Field(default_factory=list)
    #: Debates that were read, and of these the informed ones that were left out.
    debates: int
    problems: int
    informed_left_out: int
    #: Debates left out because their problem or a thought looks like an injection.
    suspects_left_out: int
    #: Debates in whose texts special tokens were made plain text.
    neutralised: int
    #: Debates that are none, but long thoughts and trees of others; the decisions in them are guessed or rated.
    imported: int
    validation: float
    #: The filters in their order, with their options and the hashes of the files that they go by.
    filters: dict[str, dict[str, Any]] = Field(default_factory=dict)
    kinds: dict[str, KindCounts]
    files: dict[str, FileEntry] = Field(default_factory=dict)
    versions: dict[str, str]

    def to_json(self) -> bytes:
        return orjson.dumps(
            self.model_dump(mode="json"), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        )


def read_manifest(corpus: Path) -> Manifest:
    """The manifest of the corpus in a directory.

    Raises:
        UsageError: there is none, or it is not one of this version.
    """
    file = corpus / NAME
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except OSError as error:
        raise UsageError(f"{corpus}: no corpus here ({NAME}: {error.strerror})") from error
    except ValidationError as error:
        raise UsageError(f"{file}: not the manifest of a corpus") from error


def file_entry(file: Path) -> FileEntry:
    """Size and hash of a file."""
    return FileEntry(bytes=file.stat().st_size, sha256=file_hash(file))


def source_of(source: Path, run: str, debates: int) -> Source:
    """What is known of the run that the transcripts came from."""
    try:
        manifest: object = orjson.loads((source / NAME).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        manifest = None
    if not isinstance(manifest, dict):
        return Source(run=run, debates=debates)
    fields = cast("dict[str, object]", manifest)
    name, scenario_hash = fields.get("name"), fields.get("scenario_hash")
    passport = fields.get("passport")
    return Source(
        run=name if isinstance(name, str) else run,
        scenario_hash=scenario_hash if isinstance(scenario_hash, str) else None,
        licence=licence_of(fields),
        debates=debates,
        critic=cast("dict[str, Any]", passport) if isinstance(passport, dict) else None,
    )
