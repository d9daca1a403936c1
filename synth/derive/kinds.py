"""The kinds of rows by name: those shipped here, and those that a package brings by entry point."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points

from pydantic import ValidationError

from longthought.agents.errors import UsageError
from longthought.synth.derive.critic import Critic
from longthought.synth.derive.derivation import Derivation
from longthought.synth.derive.dialogue import Dialogue
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.preference import Preference
from longthought.synth.derive.shortcut import Shortcut
from longthought.synth.derive.step_labels import StepLabels

KINDS: dict[str, type[Derivation]] = {
    "shortcut": Shortcut,
    "journey": Journey,
    "dialogue": Dialogue,
    "critic": Critic,
    "preference": Preference,
    "step_labels": StepLabels,
}

#: An entry point of this group names a subclass of ``Derivation``.
GROUP = "longthought.exporters"


def known_kinds() -> list[str]:
    """Every name that ``derivation`` takes."""
    return [*KINDS, *sorted({point.name for point in entry_points(group=GROUP)} - KINDS.keys())]


def derivation(name: str, options: Mapping[str, object] | None = None) -> Derivation:
    """The kind called ``name`` with its options; a shipped name cannot be taken by a plug-in.

    Raises:
        UsageError: no such kind, a plug-in that cannot be loaded, or an option that the kind does not take.
    """
    kind = KINDS.get(name) or _plugged_in(name)
    try:
        return kind.model_validate(dict(options or {}))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join((name, *map(str, first["loc"])))
        takes = ", ".join(kind.model_fields) or "none"
        raise UsageError(f"export: {key}: {first['msg']} (options of {name}: {takes})") from error


def _plugged_in(name: str) -> type[Derivation]:
    for point in entry_points(group=GROUP, name=name):
        try:
            loaded: object = point.load()
        except Exception as error:
            raise UsageError(f"export: kind {name}: {point.value} cannot be loaded: {error}") from error
        if not (isinstance(loaded, type) and issubclass(loaded, Derivation)):
            raise UsageError(
                f"export: kind {name}: {point.value} is no subclass of synth.derive.derivation.Derivation"
            )
        return loaded
    raise UsageError(f"export: no kind {name!r}; there are {', '.join(known_kinds())}")
