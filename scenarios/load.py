"""From a YAML file and ``--set`` overrides to a scenario; a mistake is one line that names file and key."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError

from longthought.agents.did_you_mean import did_you_mean
from longthought.agents.errors import UsageError
from longthought.scenarios.complaints import complain
from longthought.scenarios.schema import Scenario

#: Keys that hold a path to a file of the user's.
_PATHS = ("dataset.path", "seats.critic.passport")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scenario and where it came from. Relative paths in it are relative to ``base_dir``."""

    scenario: Scenario
    source: str
    base_dir: Path


class _StrictLoader(yaml.SafeLoader):
    """``safe_load`` that refuses a key given twice, of which YAML would silently take the second."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        keys: list[object] = [self.construct_object(key, deep=True) for key, _ in node.value]  # pyright: ignore[reportUnknownMemberType]
        for i, (key_node, _) in enumerate(node.value):
            if keys[i] in keys[:i] and keys[i] != "<<":
                problem = f"the key {keys[i]!r} is there twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
        return super().construct_mapping(node, deep)


def shipped_scenarios() -> list[str]:
    """The names of the scenarios that come with the package."""
    files = resources.files("longthought.scenarios").iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


def settings(sets: Sequence[str], option: str, example: str) -> dict[str, Any]:
    """What was given as ``a.b=value``, as the mapping that it makes.

    Args:
        option: the option of the command line that they were given with.
        example: what one of them may look like.

    Raises:
        UsageError: one is not of that form.
    """
    data: dict[str, Any] = {}
    for each in sets:
        _put(data, *_override(each, option, example), option)
    return data


def load_scenario(source: str, sets: Sequence[str] = ()) -> Loaded:
    """Read a scenario.

    Args:
        source: a YAML file, or the name of a shipped scenario.
        sets: overrides ``a.b=value``, the value being read as YAML. Relative paths of the dataset and of a passport
            given here are relative to the working directory, not to the file.

    Raises:
        UsageError: no such file, not YAML, a wrong key, type or value.
    """
    text, base_dir = _text(source)
    data = _mapping(text, source)
    keys: list[str] = []
    for each in sets:
        key, value = _override(each, "--set", "seats.policy.temperature=0.5")
        if key in _PATHS and isinstance(value, str) and not os.path.isabs(value):
            value = os.path.relpath(value, base_dir)
        _put(data, key, value, "--set")
        keys.append(key)
    try:
        return Loaded(Scenario.model_validate(data), source, base_dir)
    except ValidationError as error:
        raise UsageError(complain(error, Scenario, data, source, keys)) from error


def _text(source: str) -> tuple[str, Path]:
    shipped = shipped_scenarios()
    try:
        if source in shipped:
            text = (resources.files("longthought.scenarios") / f"{source}.yaml").read_text("utf-8")
            return text, Path()
        file = Path(source)
        return file.read_text("utf-8"), file.parent
    except FileNotFoundError as error:
        raise UsageError(
            f"{source}: no such scenario file{did_you_mean(source, shipped)}; "
            f"shipped scenarios are {', '.join(shipped)}"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{source}: not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise UsageError(f"{source}: cannot be read: {error.strerror}") from error


def _mapping(text: str, source: str) -> dict[str, Any]:
    try:
        data: object = yaml.load(text, _StrictLoader)  # a SafeLoader: builds plain values only
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise UsageError(
            f"{source}{where}: not YAML as it should be: {error.problem or error.context}"
        ) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"{source}: not YAML: {str(error).strip().partition(chr(10))[0]}") from error
    if not isinstance(data, dict):
        raise UsageError(
            f"{source}: a scenario is a mapping with the keys {', '.join(Scenario.model_fields)}"
        )
    return {str(key): value for key, value in cast("dict[object, Any]", data).items()}


def _override(text: str, option: str, example: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not all(key.split(".")):
        raise UsageError(f"{option} {text}: should look like {example}")
    try:
        return key, yaml.safe_load(value)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"{option} {text}: not YAML; quote the value if it is text") from error


def _put(data: dict[str, Any], key: str, value: Any, option: str) -> None:
    *parents, last = key.split(".")
    at = data
    for i, part in enumerate(parents):
        inner: Any = at.setdefault(part, {})
        if inner is None:
            inner = at[part] = {}
        if not isinstance(inner, dict):
            raise UsageError(f"{option} {key}: {'.'.join(parents[: i + 1])} is {inner!r}, which has no keys")
        at = cast("dict[str, Any]", inner)
    at[last] = value
