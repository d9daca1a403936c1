"""Writes a corpus: transcripts are read once, every kind derives its rows, and the whole appears at once.

``<out>/<kind>/train.jsonl`` and ``train-00000-of-00001.parquet`` (``validation`` beside them if asked for),
``manifest.json`` and the card ``README.md``. The samples of a problem lie side by side in a run, whose debates are
numbered problem by problem; so only some blocks of problems and one row group per file are in memory, whatever the size
of the corpus. What gates remember comes on top (``synth.clean``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import orjson

from longthought.agents.errors import RunError, UsageError
from longthought.synth.clean.filters import filters as named_filters
from longthought.synth.clean.passes import Gate, Pass
from longthought.synth.corpus import llama_factory
from longthought.synth.corpus.blocks import blocks
from longthought.synth.corpus.card import card
from longthought.synth.corpus.chat_formats import shape_of
from longthought.synth.corpus.checks import check_recipe, check_request
from longthought.synth.corpus.manifest import NAME, KindCounts, Manifest, file_entry, source_of
from longthought.synth.corpus.recipe import Recipe, Split
from longthought.synth.corpus.replace_dir import replacing
from longthought.synth.corpus.row_files import (
    DEFAULT_FORMATS,
    FORMATS,
    SHARD_BYTES,
    Format,
    RowFiles,
    sync,
)
from longthought.synth.corpus.slug import slug
from longthought.synth.corpus.tally import Tally
from longthought.synth.corpus.workers import make_all
from longthought.synth.derive.kinds import Asked, asked_kinds

CARD = "README.md"


def export(
    source: Path | Sequence[Path],
    out: Path,
    kinds: Sequence[str],
    formats: Collection[Format] = DEFAULT_FORMATS,
    *,
    options: Mapping[str, Mapping[str, object]] | None = None,
    filters: Mapping[str, object] | None = None,
    passes: Sequence[Pass | Gate] = (),
    include_informed: bool = False,
    include_suspects: bool = False,
    validation: float = 0.0,
    licences: Sequence[str] = (),
    shard_bytes: int = SHARD_BYTES,
    workers: int | None = None,
    on_progress: Callable[[int], None] | None = None,
    show_dropped: int = 0,
    on_dropped: Callable[[str, str, str], None] | None = None,
) -> Manifest:
    """Derive ``kinds`` from the transcripts in ``source``; the corpus at ``out`` replaces an older one.

    Args:
        source: a run directory or a file of transcripts, or several. The samples of a problem have to be neighbours
            in each; samples of one problem in two sources are not seen together.
        kinds: names of kinds, or ``name=kind`` for one more of a kind under another name.
        include_suspects: also debates whose problem or thoughts look like an injection (``agents.injection``).
        options: per kind (by the name that it was given), the fields of its ``Derivation``.
        filters: by name, the options of each (``synth.clean.filters``).
        passes: what rows pass behind the filters.
        validation: the share of problems, by hash of the question, whose rows go to the split of that name.
        licences: of the problems, besides those that the runs' manifests name.
        shard_bytes: a Parquet file ends with the row group that brings it to this size.
        workers: processes that derive; without it as many as there are processors, if there is enough to do.
        on_progress: called with the number of debates read so far.
        on_dropped: called with kind, reason and beginning of ``show_dropped`` rows of each reason.

    Raises:
        UsageError: an unknown kind, format, filter or option; no finished debate; no rows; or ``out`` is no corpus.
        RunError: the corpus cannot be written. In every case what stood at ``out`` stays.
    """
    sources = [source] if isinstance(source, Path) else list(source)
    check_request(sources, out, kinds, formats, validation, shard_bytes, workers)
    asked = asked_kinds(kinds, options)
    recipe = Recipe(
        kinds={name: one.derivation for name, one in asked.items()},
        filters=(*named_filters(filters or {}), *passes),
        formats=tuple(form for form in FORMATS if form in formats),
        validation=validation,
        include_informed=include_informed,
        include_suspects=include_suspects,
        show=show_dropped if on_dropped is not None else 0,
    )
    check_recipe(recipe)
    try:
        with replacing(out) as partial:
            work = _Export(partial, asked, recipe, sources, licences, shard_bytes)
            try:
                work.read(workers, on_progress, on_dropped)
            finally:
                work.let_go()
            return work.finish()
    except OSError as error:
        raise RunError(
            f"export: {error.filename or out}: {error.strerror or error}; "
            f"what stood at {out} before is untouched"
        ) from error


class _Export:
    """One export under way into an empty directory."""

    def __init__(
        self,
        directory: Path,
        asked: Mapping[str, Asked],
        recipe: Recipe,
        sources: Sequence[Path],
        licences: Sequence[str],
        shard_bytes: int,
    ) -> None:
        self._directory, self._asked, self._recipe, self._sources = directory, asked, recipe, sources
        self._licences, self._shard_bytes = licences, shard_bytes
        self._tally = Tally(recipe, sources)
        self._files: dict[tuple[str, Split], RowFiles] = {}

    def read(
        self,
        workers: int | None,
        on_progress: Callable[[int], None] | None,
        on_dropped: Callable[[str, str, str], None] | None,
    ) -> None:
        """Write every row, and bring the row files to the disk."""
        if self._tally.counts_first:
            for made in make_all(self._tally.counting(), blocks(self._sources), workers):
                self._tally.count(made)
        for made in make_all(self._recipe, blocks(self._sources), workers):
            for kind, split, lines, keep in self._tally.admit(made):
                self._open(kind, split).add(lines, keep)
            if on_progress is not None:
                on_progress(self._tally.read.debates)
            if on_dropped is not None:
                for told in self._tally.shown():
                    on_dropped(*told)
        if not self._files:
            raise UsageError(f"{self._sources[0]}: nothing to export: {self._tally.why_nothing()}")
        for files in self._files.values():
            files.close()

    def finish(self) -> Manifest:
        """Write the card and the manifest."""
        recipe, tally = self._recipe, self._tally
        sources = [
            source_of(source, run, debates)
            for source, runs in zip(self._sources, tally.runs, strict=True)
            for run, debates in runs.items()
        ]
        named = [*self._licences, *(source.licence for source in sources if source.licence)]
        manifest = Manifest(
            sources=sources,
            licences=list(dict.fromkeys(named)),
            **asdict(tally.read),
            validation=recipe.validation,
            filters={one.name: one.account() for one in recipe.filters},
            kinds={name: self._counts(name) for name in recipe.kinds},
            versions=self._versions(),
        )
        written = [file for files in self._files.values() for file in files.files]
        if "sharegpt" in recipe.formats:
            names = [run for runs in tally.runs for run in runs]
            written.append(self._write(llama_factory.NAME, self._dataset_info(names)))
        written.append(self._write(CARD, card(manifest, self._data_files()).encode()))
        entries = {str(file.relative_to(self._directory)): file_entry(file) for file in sorted(written)}
        manifest = manifest.model_copy(update={"files": entries})
        self._write(NAME, manifest.to_json())
        for name in {slug(kind) for kind, _ in self._files}:
            sync(self._directory / name)
        return manifest

    def let_go(self) -> None:
        """Close what is still open."""
        for files in self._files.values():
            files.abandon()

    # --- pieces ---------------------------------------------------------------------------------------------

    def _open(self, kind: str, split: Split) -> RowFiles:
        files = self._files.get((kind, split))
        if files is None:
            row, formats = self._recipe.row_type(kind), self._recipe.formats
            files = RowFiles(self._directory / slug(kind), split, row, formats, self._shard_bytes)
            self._files[kind, split] = files
        return files

    def _splits(self, kind: str) -> dict[str, RowFiles]:
        return {split: files for (name, split), files in sorted(self._files.items()) if name == kind}

    def _counts(self, kind: str) -> KindCounts:
        left_out: dict[str, dict[str, int]] = {}
        for files in self._splits(kind).values():
            for form, reasons in files.left_out.items():
                counts = left_out.setdefault(form, {})
                for reason, number in sorted(reasons.items()):
                    counts[reason] = counts.get(reason, 0) + number
        return KindCounts(
            kind=self._asked[kind].kind,
            options=self._recipe.kinds[kind].account(),
            rows={split: files.rows for split, files in self._splits(kind).items()},
            dropped=dict(sorted(self._tally.dropped[kind].items())),
            left_out=left_out,
            counted=dict(sorted(self._tally.counted[kind].items())),
        )

    def _write(self, name: str, content: bytes) -> Path:
        file = self._directory / name
        file.write_bytes(content)
        sync(file)
        return file

    def _data_files(self) -> dict[str, dict[str, str]]:
        """What the card offers to `datasets`: one format, for it would read two as twice the rows."""
        form: Literal["parquet", "jsonl", "sharegpt", "openai"] = next(
            form for form in ("parquet", "jsonl", "sharegpt", "openai") if form in self._recipe.formats
        )
        ends = {"parquet": "-*.parquet", "jsonl": ".jsonl"}.get(form, f".{form}.jsonl")
        return {
            slug(kind): {split: f"{slug(kind)}/{split}{ends}" for split in self._splits(kind)}
            for kind in self._recipe.kinds
            if self._splits(kind)
        }

    def _dataset_info(self, runs: Sequence[str]) -> bytes:
        info = dict[str, object]()
        corpus = "+".join(slug(run) for run in runs)[:120]
        for kind in self._recipe.kinds:
            shape = shape_of(self._recipe.row_type(kind))
            for split in self._splits(kind):
                name = f"{corpus}_{slug(kind)}" + ("" if split == "train" else f"_{split}")
                assert shape is not None  # the format has a place for the kind
                info[name] = llama_factory.described(f"{slug(kind)}/{split}.sharegpt.jsonl", shape)
        return orjson.dumps(info, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    def _versions(self) -> dict[str, str]:
        packages = ("longthought", "pyarrow") if "parquet" in self._recipe.formats else ("longthought",)
        return {package: version(package) for package in packages}
