"""What an export complains of before the first transcript is read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from longthought.agents.errors import UsageError
from longthought.synth.corpus.manifest import NAME, read_manifest
from longthought.synth.corpus.recipe import Recipe
from longthought.synth.corpus.replace_dir import place_of
from longthought.synth.corpus.row_files import FORMATS, Encoder, Format, need_pyarrow
from longthought.synth.corpus.slug import slug


def check_request(
    sources: Sequence[Path],
    out: Path,
    kinds: Sequence[str],
    formats: Collection[Format],
    validation: float,
    shard_bytes: int,
    workers: int | None,
) -> None:
    """Raise UsageError for a number, a kind or a format that cannot be, or an ``out`` that is not ours to replace."""
    if not sources:
        raise UsageError("export: name at least one run or file of transcripts")
    if not kinds:
        raise UsageError("export: name at least one kind of row")
    if not formats or not set(formats) <= set(FORMATS):
        asked = ", ".join(sorted(formats)) or "none"
        raise UsageError(f"export: formats are {', '.join(FORMATS)}, not {asked}")
    if not 0 <= validation < 1:
        raise UsageError(f"export: validation is a share from 0 to below 1, not {validation}")
    if shard_bytes < 1:
        raise UsageError(f"export: shard bytes are a number above 0, not {shard_bytes}")
    if workers is not None and workers < 1:
        raise UsageError(f"export: workers are a number above 0, not {workers}")
    if "parquet" in formats:
        need_pyarrow()
    if place_of(out).exists():
        _may_replace(out)


def check_recipe(recipe: Recipe) -> None:
    """Raise UsageError unless every pass takes its rows, every format has a place for them, and files are there."""
    for one in recipe.filters:
        if stray := sorted(set(one.kinds or ()) - recipe.kinds.keys()):
            raise UsageError(f"filters: {one.name}.kinds: {stray[0]} is not among the kinds to export")
        one.account()
    directories: dict[str, str] = {}
    for kind in recipe.kinds:
        try:
            Encoder(recipe.row_type(kind), recipe.formats)
        except UsageError as error:
            raise UsageError(f"export: {kind}: {error}") from error
        other = directories.setdefault(slug(kind), kind)
        if other != kind:
            raise UsageError(
                f"export: kinds {other!r} and {kind!r} would have one directory; export them apart"
            )


def _may_replace(out: Path) -> None:
    """Raise UsageError unless everything in ``out`` was written by an export."""
    if not out.is_dir():
        raise UsageError(f"{out}: is a file; choose a directory for the corpus")
    present = {
        str(file.relative_to(out)) for file in out.rglob("*") if not file.is_dir() or file.is_symlink()
    }
    if not present:
        return
    try:
        ours = {*read_manifest(out).files, NAME}
    except UsageError:
        raise UsageError(f"{out}: exists and is no corpus; choose another --out") from None
    if strange := sorted(present - ours):
        raise UsageError(f"{out}: holds {strange[0]}, which no export wrote; move it or choose another --out")
