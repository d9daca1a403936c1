"""The kinds of rows by name: those shipped here, and those that a package brings by entry point."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

from pydantic import ValidationError

from longthought.agents.errors import UsageError
from longthought.agents.first_error import first_error
from longthought.synth.derive.answer_only import AnswerOnly
from longthought.synth.derive.critic import Critic
from longthought.synth.derive.critique import Critique
from longthought.synth.derive.derivation import Derivation
from longthought.synth.derive.dialogue import Dialogue
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.kto import Kto
from longthought.synth.derive.outcome_labels import OutcomeLabels
from longthought.synth.derive.preference import Preference
from longthought.synth.derive.rejection import Rejection
from longthought.synth.derive.shortcut import Shortcut
from longthought.synth.derive.splice import Splice
from longthought.synth.derive.step_labels import StepLabels
from longthought.synth.derive.step_preference import StepPreference

KINDS: dict[str, type[Derivation]] = {
    "shortcut": Shortcut,
    "journey": Journey,
    "answer_only": AnswerOnly,
    "rejection": Rejection,
    "splice": Splice,
    "dialogue": Dialogue,
    "critic": Critic,
    "critique": Critique,
    "preference": Preference,
    "step_preference": StepPreference,
    "kto": Kto,
    "step_labels": StepLabels,
    "outcome_labels": OutcomeLabels,
}

#: An entry point of this group names a subclass of ``Derivation``.
GROUP = "longthought.exporters"

#: A name given on the command line: it becomes a directory.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def known_kinds() -> list[str]:
    """Every name that ``derivation`` takes."""
    return [*KINDS, *sorted({point.name for point in entry_points(group=GROUP)} - KINDS.keys())]


@dataclass(frozen=True, slots=True)
class Asked:
    """A kind that is to be exported, under a name of its own or its kind's."""

    kind: str
    derivation: Derivation


def asked_kinds(
    kinds: Sequence[str], options: Mapping[str, Mapping[str, object]] | None = None
) -> dict[str, Asked]:
    """What ``name=kind`` or plain ``kind`` asks for, by name; ``options`` go by name, too.

    Raises:
        UsageError: one name for two kinds, a name that cannot be a directory's, an option of a name that nobody asked
            for, or what ``derivation`` raises.
    """
    options = options or {}
    asked: dict[str, Asked] = {}
    for text in kinds:
        name, equals, kind = text.partition("=")
        kind = kind if equals else name
        if equals and not _NAME.fullmatch(name):
            raise UsageError(
                f"export: {text}: write name=kind, the name of letters, digits, _ and -, such as short=preference"
            )
        if name in asked and asked[name].kind != kind:
            raise UsageError(f"export: {name} is asked for twice, as {asked[name].kind} and as {kind}")
        asked[name] = Asked(kind, derivation(kind, options.get(name), name))
    if stray := sorted(options.keys() - asked.keys()):
        raise UsageError(f"export: options for {', '.join(stray)}, which is not among the kinds to export")
    return asked


def derivation(
    kind: str, options: Mapping[str, object] | None = None, called: str | None = None
) -> Derivation:
    """The kind of that name with its options; a shipped name cannot be taken by a plug-in.

    ``called`` is what complaints about options call it.

    Raises:
        UsageError: no such kind, a plug-in that cannot be loaded, or an option that the kind does not take.
    """
    made = KINDS.get(kind) or _plugged_in(kind)
    try:
        return made.model_validate(dict(options or {}))
    except ValidationError as error:
        takes = ", ".join(made.model_fields) or "none"
        said = first_error(error, called or kind)
        raise UsageError(f"export: {said} (options of {kind}: {takes})") from error


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
