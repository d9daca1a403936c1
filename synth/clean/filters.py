"""The filters of an export: a mapping as a YAML file or ``--filter`` has it, to passes and gates in their order.

Nothing is filtered unless it is asked for. What looks at one row alone comes first, then duplicates, then the balance
of what is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import yaml
from pydantic import ValidationError

from longthought.agents.errors import UsageError
from longthought.agents.first_error import first_error
from longthought.synth.clean.balance import Balance
from longthought.synth.clean.contamination import Contamination
from longthought.synth.clean.exact import Exact
from longthought.synth.clean.languages import Languages
from longthought.synth.clean.length import Length
from longthought.synth.clean.near import Near
from longthought.synth.clean.passes import Gate, Pass
from longthought.synth.clean.perplexity import Perplexity
from longthought.synth.clean.repetition import Repetition

#: In the order in which rows pass them.
FILTERS: dict[str, type[Pass | Gate]] = {
    kind.name: kind
    for kind in (Length, Contamination, Perplexity, Repetition, Languages, Exact, Near, Balance)
}


def filters(asked: Mapping[str, object]) -> list[Pass | Gate]:
    """The filters named in ``asked``, each with its options: a mapping, or nothing for its defaults.

    Raises:
        UsageError: no such filter, or an option that it does not take.
    """
    for name in asked:
        if name not in FILTERS:
            raise UsageError(f"filters: there is no {name!r}; there are {', '.join(FILTERS)}")
    return [_filter(name, asked[name]) for name in FILTERS if name in asked]


def _filter(name: str, options: object) -> Pass | Gate:
    kind = FILTERS[name]
    if options is None or options is True:
        options = dict[str, object]()
    try:
        return kind.model_validate(options)
    except ValidationError as error:
        takes = ", ".join(kind.model_fields)
        raise UsageError(f"filters: {first_error(error, name)} (options of {name}: {takes})") from error


def read_filters(file: Path) -> dict[str, object]:
    """The mapping in a YAML file, by itself or below the key ``filters``.

    Raises:
        UsageError: it cannot be read, or holds no mapping.
    """
    try:
        loaded: object = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"filters: {file}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"filters: {file}: not YAML: {' '.join(str(error).split())}") from error
    found = cast("dict[object, object]", loaded) if isinstance(loaded, dict) else {}
    if found.keys() == {"filters"} and isinstance(found["filters"], dict):
        found = cast("dict[object, object]", found["filters"])
    if not found:
        raise UsageError(f"filters: {file}: a mapping of filters to their options is needed")
    return {str(name): options for name, options in found.items()}


def set_filters(asked: Mapping[str, object], given: Sequence[str]) -> dict[str, object]:
    """``asked`` with each of ``given`` put in: ``exact``, or ``length.max=20000``; values are YAML.

    Raises:
        UsageError: one of them looks otherwise.
    """
    merged = dict(asked)
    for text in given:
        key, equals, value = text.partition("=")
        name, dot, option = key.partition(".")
        options = merged.get(name)
        if not name or bool(dot) != bool(equals) or (dot and not option):
            raise UsageError(f"--filter {text}: should look like exact or length.max=20000")
        options = dict(cast("Mapping[str, object]", options)) if isinstance(options, Mapping) else {}
        if option:
            options[option] = _plain_value(text, value)
        merged[name] = options
    return merged


def with_evaluation_files(asked: Mapping[str, object], files: Sequence[Path]) -> dict[str, object]:
    """``asked`` with these evaluation files besides those that it names."""
    options = asked.get(Contamination.name)
    if options is None or options is True:
        options = {}
    if not files or not isinstance(options, Mapping):
        return dict(asked)
    given = cast("Mapping[str, object]", options)
    named = given.get("files", ())
    # What is no list is complained of where the filter is made.
    both = [*cast("list[object]", named), *files] if isinstance(named, list | tuple) else named
    return {**asked, Contamination.name: {**given, "files": both}}


def _plain_value(text: str, value: str) -> object:
    try:
        return yaml.safe_load(value)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"--filter {text}: not YAML: {' '.join(str(error).split())}") from error
