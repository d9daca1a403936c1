"""What made a model: settings, corpora, commit, versions. And what makes two trainings the same."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast

import orjson

from longthought.synth.corpus.row_files import sync
from longthought.synth.file_hash import file_hash
from longthought.train.corpus import corpus_hashes
from longthought.train.processes import processes
from longthought.train.settings import CorpusSettings, FromScratch, TrainSettings

#: The record's file in a model, in a checkpoint, and where the checkpoints lie.
RECORD = "training.json"
_LIBRARIES = ("longthought", "accelerate", "datasets", "peft", "tokenizers", "torch", "transformers", "trl")
#: Settings that leave a training's course as it is.
_BESIDE = {"out", "overwrite", "earlier", "report_to", "threads", "corpora", "phases"}


def provenance(settings: TrainSettings) -> dict[str, Any]:
    """What every record of this training begins with."""
    return {
        "kind": settings.trainer,
        "settings": settings.model_dump(mode="json"),
        "corpora": corpus_hashes(settings.corpora),
        "code": _commit(),
        "versions": _versions(),
        "processes": processes(),
        "identity": identity_of(settings),
    }


def identity_of(settings: TrainSettings) -> dict[str, Any]:
    """Equal for trainings that go the same way, wherever their corpora lie and their models are written."""
    identity: dict[str, Any] = {
        "trainer": settings.trainer,
        **settings.model_dump(mode="json", exclude=_BESIDE),
        "corpora": _contents(settings.corpora),
        "processes": processes(),
    }
    if isinstance(settings.model, FromScratch) and (words := settings.model.tokenizer.corpora):
        identity["model"]["tokenizer"]["corpora"] = _contents(words)
    if phases := getattr(settings, "phases", []):
        identity["phases"] = [identity_of(phase) for phase in phases]
    # A model that was trained here may be another one under the same name by now; its record tells.
    if isinstance(settings.model, str) and (record := Path(settings.model) / RECORD).is_file():
        identity["start"] = file_hash(record)
    # As it is read back: tuples are lists.
    return cast("dict[str, Any]", orjson.loads(orjson.dumps(identity)))


def _contents(corpora: Iterable[CorpusSettings]) -> dict[str, Any]:
    """What is in corpora, wherever they lie."""
    return {
        str(n): {
            **corpus.model_dump(exclude={"path"}),
            "sha256": sorted(corpus_hashes([corpus]).values()),
        }
        for n, corpus in enumerate(corpora)
    }


def read_record(directory: Path) -> dict[str, Any]:
    """The record that a training left there; empty if none did."""
    try:
        record: Any = orjson.loads((directory / RECORD).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return cast("dict[str, Any]", record) if isinstance(record, dict) else {}


def write_record(directory: Path, record: dict[str, Any]) -> None:
    """Write it to the disk; half of one reads as none."""
    file = directory / RECORD
    file.write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
    sync(file)


def _versions() -> dict[str, str]:
    versions = dict[str, str]()
    for library in _LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            continue
    return versions


def _commit() -> str | None:
    """The commit of the checkout that this file is of, ``+changes`` if files differ; None for an installed package."""
    here = Path(__file__).resolve()
    # An environment may lie inside the checkout of something else, which does not track this file.
    if _git(here.parent, "ls-files", "--error-unmatch", here.name) is None:
        return None
    commit = _git(here.parent, "rev-parse", "HEAD")
    changed = _git(here.parent, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}+changes" if commit and changed else commit


def _git(where: Path, *arguments: str) -> str | None:
    try:
        said = subprocess.run(
            ["git", "-C", str(where), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.strip()
