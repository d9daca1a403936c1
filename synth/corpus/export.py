"""Writes a corpus: transcripts are read once, every kind derives its rows, and the whole appears at once.

``<out>/<kind>/train.jsonl`` and ``.parquet`` (``validation`` beside them if asked for), ``manifest.json``
and the card ``README.md``. The samples of a problem lie side by side in a run, whose debates are numbered
problem by problem; so only one problem's transcripts and one row group per file are in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

from longthought.agents.errors import RunError, UsageError
from longthought.protocols.transcript import Transcript, read_transcripts
from longthought.synth.corpus.card import card
from longthought.synth.corpus.manifest import NAME, KindCounts, Manifest, file_entry, read_manifest, source_of
from longthought.synth.corpus.replace_dir import replacing
from longthought.synth.corpus.row_files import FORMATS, Format, RowFiles, need_pyarrow, sync
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.kinds import Asked, asked_kinds

CARD = "README.md"


def export(
    source: Path,
    out: Path,
    kinds: Sequence[str],
    formats: Collection[Format] = FORMATS,
    *,
    options: Mapping[str, Mapping[str, object]] | None = None,
    include_informed: bool = False,
    include_suspects: bool = False,
    validation: float = 0.0,
    on_progress: Callable[[int], None] | None = None,
) -> Manifest:
    """Derive ``kinds`` from the transcripts in ``source``; the corpus at ``out`` replaces an older one.

    Args:
        source: a run directory or a file of transcripts.
        kinds: names of kinds, or ``name=kind`` for one more of a kind under another name.
        include_suspects: also debates whose problem or thoughts look like an injection (``agents.injection``).
        options: per kind (by the name that it was given), the fields of its ``Derivation``.
        validation: the share of problems, by hash of the question, whose rows go to the split of that name.
        on_progress: called with the number of debates read so far.

    Raises:
        UsageError: an unknown kind, format or option; no finished debate; no rows; or ``out`` is no corpus.
        RunError: the corpus cannot be written. In every case what stood at ``out`` stays.
    """
    _check(out, kinds, formats, validation)
    making = asked_kinds(kinds, options)
    try:
        with replacing(out) as partial:
            work = _Export(partial, making, formats, validation, include_informed, include_suspects)
            try:
                work.read(source, on_progress)
            finally:
                work.let_go()
            return work.finish(source)
    except OSError as error:
        raise RunError(
            f"export: {error.filename or out}: {error.strerror or error}; "
            f"what stood at {out} before is untouched"
        ) from error


def _check(out: Path, kinds: Sequence[str], formats: Collection[Format], validation: float) -> None:
    if not kinds:
        raise UsageError("export: name at least one kind of row")
    if not formats or not set(formats) <= set(FORMATS):
        asked = ", ".join(sorted(formats)) or "none"
        raise UsageError(f"export: formats are {' and '.join(FORMATS)}, not {asked}")
    if not 0 <= validation < 1:
        raise UsageError(f"export: validation is a share from 0 to below 1, not {validation}")
    if "parquet" in formats:
        need_pyarrow()
    if out.exists():
        _may_replace(out)


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


@dataclass
class _Kind:
    """A kind under way: its open files by split, and what it left out."""

    asked: Asked
    splits: dict[str, RowFiles] = field(default_factory=dict[str, RowFiles])
    dropped: Counter[str] = field(default_factory=Counter[str])


class _Export:
    """One export under way into an empty directory."""

    def __init__(
        self,
        directory: Path,
        making: Mapping[str, Asked],
        formats: Collection[Format],
        validation: float,
        include_informed: bool,
        include_suspects: bool,
    ) -> None:
        self._directory, self._formats, self._validation = directory, formats, validation
        self._kinds = {name: _Kind(made) for name, made in making.items()}
        self._include_informed, self._include_suspects = include_informed, include_suspects
        self._debates = self._informed = self._suspects = self._problems = 0
        self._run = ""

    def read(self, source: Path, on_progress: Callable[[int], None] | None) -> None:
        """Write every row, and bring the row files to the disk."""
        for samples in self._by_problem(source, on_progress):
            split = "validation" if _share(samples[0].problem.question) < self._validation else "train"
            for name, kind in self._kinds.items():
                for made in kind.asked.derivation.rows(samples):
                    if isinstance(made, Dropped):
                        kind.dropped[made.reason] += 1
                    else:
                        self._files(name, kind, split).write(made)
        if not self._debates:
            raise UsageError(f"{source}: no finished debate here yet; let the run go on, then export")
        if not any(kind.splits for kind in self._kinds.values()):
            raise UsageError(f"{source}: nothing to export: {self._why_nothing()}")
        for kind in self._kinds.values():
            for files in kind.splits.values():
                files.close()

    def finish(self, source: Path) -> Manifest:
        """Write the card and the manifest."""
        manifest = Manifest(
            source=source_of(source, self._run),
            debates=self._debates,
            problems=self._problems,
            informed_left_out=self._informed,
            suspects_left_out=self._suspects,
            validation=self._validation,
            kinds={
                name: KindCounts(
                    kind=kind.asked.kind,
                    options=kind.asked.derivation.model_dump(mode="json"),
                    rows={split: files.rows for split, files in sorted(kind.splits.items())},
                    dropped=dict(sorted(kind.dropped.items())),
                )
                for name, kind in self._kinds.items()
            },
            versions=self._versions(),
        )
        (self._directory / CARD).write_text(
            card(manifest, self._data_files()), encoding="utf-8", newline="\n"
        )
        written = [
            file for kind in self._kinds.values() for files in kind.splits.values() for file in files.files
        ]
        entries = {
            str(file.relative_to(self._directory)): file_entry(file)
            for file in sorted([*written, self._directory / CARD])
        }
        manifest = manifest.model_copy(update={"files": entries})
        (self._directory / NAME).write_bytes(manifest.to_json())
        for place in (
            self._directory / CARD,
            self._directory / NAME,
            *(self._directory / name for name in self._kinds),
        ):
            if place.exists():
                sync(place)
        return manifest

    def let_go(self) -> None:
        """Close what is still open."""
        for kind in self._kinds.values():
            for files in kind.splits.values():
                files.abandon()

    # --- pieces ---------------------------------------------------------------------------------------------

    def _by_problem(
        self, source: Path, on_progress: Callable[[int], None] | None
    ) -> Iterator[list[Transcript]]:
        for _, samples in groupby(read_transcripts(source), key=lambda transcript: transcript.problem.id):
            self._problems += 1
            used: list[Transcript] = []
            for transcript in samples:
                self._run = transcript.run
                self._debates += 1
                if transcript.informed and not self._include_informed:
                    self._informed += 1
                elif not self._include_suspects and transcript.suspect_injection:
                    self._suspects += 1
                else:
                    used.append(transcript)
                if on_progress is not None:
                    on_progress(self._debates)
            if used:
                yield used

    def _files(self, name: str, kind: _Kind, split: str) -> RowFiles:
        files = kind.splits.get(split)
        if files is None:
            row = kind.asked.derivation.row
            files = kind.splits[split] = RowFiles(self._directory / name, split, row, self._formats)
        return files

    def _data_files(self) -> dict[str, dict[str, str]]:
        """What the card offers to `datasets`: one format, for it would read both as twice the rows."""
        form = "parquet" if "parquet" in self._formats else "jsonl"
        return {
            name: {split: f"{name}/{split}.{form}" for split in sorted(kind.splits)}
            for name, kind in self._kinds.items()
            if kind.splits
        }

    def _versions(self) -> dict[str, str]:
        packages = ("longthought", "pyarrow") if "parquet" in self._formats else ("longthought",)
        return {package: version(package) for package in packages}

    def _why_nothing(self) -> str:
        if self._informed == self._debates:
            return f"all {self._debates} debates are informed, and these are only taken in when asked for"
        if self._informed + self._suspects == self._debates:
            return (
                f"of {self._debates} debates {self._informed} are informed and {self._suspects} suspect of injection, "
                "and these are only taken in when asked for"
            )
        return "; ".join(
            f"{name}: "
            + (", ".join(f"{n} × {reason}" for reason, n in sorted(kind.dropped.items())) or "no rows")
            for name, kind in self._kinds.items()
        )


def _share(question: str) -> float:
    """A number in [0, 1) that depends on the question alone, so that one question is never in both splits."""
    return int.from_bytes(blake2b(question.encode(), digest_size=8).digest()) / 2**64
