"""What the names are that ``longthought eval`` is given: runs, files of transcripts, scenarios, models, patterns."""

from __future__ import annotations

import re
from pathlib import Path

from longthought.agents.errors import UsageError
from longthought.protocols.file_lines import PACKINGS
from longthought.scenarios.load import shipped_scenarios

#: How files of transcripts are called.
_TRANSCRIPTS = (".jsonl", *(f".jsonl{packing}" for packing in PACKINGS))


def as_run(name: str) -> Path | None:
    """The run of that name, a directory or a file of transcripts, or None when it must be a scenario."""
    places = [Path(name), Path("runs") / name]
    return next((path for path in places if path.is_dir() or _is_file(path)), None)


def is_scenario(name: str) -> bool:
    """Whether there is a scenario of that name, perhaps beside a run."""
    return name in shipped_scenarios() or (Path(name).is_file() and not _is_file(Path(name)))


def expanded(name: str, *, models: bool) -> tuple[list[str], list[str]]:
    """The runs or models that a pattern stands for, and those that it does not, for ``--force-new`` set them aside.

    Raises:
        UsageError: there is none.
    """
    if not any(mark in name for mark in "*?["):
        return [name], []
    places = [Path()] if models else [Path(), Path("runs")]
    for place in places:
        if not Path(name).is_absolute() and (found := sorted(p for p in place.glob(name) if p.is_dir())):
            aside = [] if models else [path for path in found if _is_aside(path)]
            taken = [path for path in found if path not in aside]
            # A pattern of nothing else asks for them.
            return [str(path) for path in taken or found], [str(path) for path in aside if taken]
    raise UsageError(f"{name}: no {'model' if models else 'run'} has such a name")


def _is_file(path: Path) -> bool:
    return path.is_file() and path.name.endswith(_TRANSCRIPTS)


def _is_aside(run: Path) -> bool:
    """Whether it is named as a run is that was moved out of another's way."""
    name = re.fullmatch(r"(.+)\.\d+", run.name)
    return name is not None and run.with_name(name[1]).is_dir()
