"""Plug-ins: what other packages offer through entry points, and, if allowed, ``module:object``.

=========================  ==================================================================================
group                      what the entry point names
=========================  ==================================================================================
``longthought.agents``     called with the seat's ``options``; returns a seat (``propose`` or ``judge``) or an
                           AutoGen ``ChatAgent``
``longthought.rewards``    called with the reward's ``options``; returns a ``Reward``
``longthought.scorers``    called without arguments; returns a ``Scorer``
``longthought.datasets``   called with the dataset's ``options``; returns an iterable of ``Problem``
``longthought.protocols``  called with ``Parts`` (see ``scenarios.build``); returns an object with ``play``
``longthought.exporters``  a subclass of ``synth.derive.derivation.Derivation``; a kind of rows
=========================  ==================================================================================
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal

from longthought.agents.did_you_mean import did_you_mean
from longthought.agents.errors import UsageError

Group = Literal["agents", "rewards", "protocols", "datasets", "scorers", "exporters"]
GROUPS: tuple[Group, ...] = ("agents", "rewards", "protocols", "datasets", "scorers", "exporters")


def installed(group: Group) -> dict[str, EntryPoint]:
    """The group's entry points by name."""
    return {point.name: point for point in entry_points(group=f"longthought.{group}")}


def find_plugin(
    group: Group,
    name: str,
    key: str,
    *,
    allow_import: bool = False,
    base_dir: Path | None = None,
    known: Iterable[str] = (),
) -> Any:
    """What an entry point or ``module:object`` names.

    Args:
        key: the scenario's key that named it, for the error line.
        base_dir: where modules are also looked for, after everything that is installed.
        known: names that are built in, for the error line.

    Raises:
        UsageError: no such plug-in, it cannot be imported, or code was named without ``--allow-import``.
    """
    if ":" in name:
        return import_object(name, key, allow_import=allow_import, base_dir=base_dir)
    points = installed(group)
    if name not in points:
        there = sorted({*known, *points})
        raise UsageError(
            f"{key}: nothing is named {name!r}{did_you_mean(name, there)}; "
            f"there {'is' if len(there) == 1 else 'are'} {', '.join(there) or 'none'} "
            f"(plug-ins come in through the entry point group longthought.{group})"
        )
    return _load(name, key, points[name])


def import_object(name: str, key: str, *, allow_import: bool, base_dir: Path | None = None) -> Any:
    """What ``module:object`` names.

    Raises:
        UsageError: not allowed, no such module, or nothing of that name in it.
    """
    if not allow_import:
        raise UsageError(f"{key}: {name!r} names code to import; if you trust it, add --allow-import")
    # Last, so that no file beside the scenario can stand in for an installed module.
    place = str((base_dir or Path()).resolve())
    if place not in sys.path:
        sys.path.append(place)
    importlib.invalidate_caches()
    return _load(name, key, EntryPoint(name=name, value=name, group=""))


def _load(name: str, key: str, point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:  # Whatever a plug-in's module does on import, it is one line here.
        said = str(error).strip().partition("\n")[0]
        raise UsageError(f"{key}: {name!r} cannot be imported: {type(error).__name__}: {said}") from error
