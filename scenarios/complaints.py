"""Validation errors as one line: which file, which key, what is wrong with it, and what would be right."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from longthought.agents.did_you_mean import did_you_mean
from longthought.agents.errors import UsageError

M = TypeVar("M", bound=BaseModel)

#: Longest quotation of a wrong value, in characters.
_QUOTE = 60


def read_options(model: type[M], options: Mapping[str, Any]) -> M:
    """An ``options`` mapping of a scenario as what it must be.

    Raises:
        UsageError: it is not; the line begins with ``options``.
    """
    try:
        return model.model_validate(options)
    except ValidationError as error:
        raise UsageError(complain(error, model, options, "options")) from error


def complain(
    error: ValidationError,
    model: type[BaseModel],
    data: Mapping[str, Any],
    file: str,
    set_keys: Collection[str] = (),
) -> str:
    """The first error on one line, and how many more there are.

    Args:
        model: what ``data`` was validated against.
        set_keys: dotted keys that came from ``--set``; an error in one of them names that, not ``file``.
    """
    errors = error.errors(include_url=False)
    # A union reports each of its members; the most telling complaint is the one about a key that is there.
    first = min(errors, key=lambda each: each["type"] == "missing")
    keys = _yaml_keys(first["loc"], data)
    key = ".".join(keys)
    place = f"--set {key}" if any(key == k or key.startswith(f"{k}.") for k in set_keys) else file
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    said = _said(first, keys, model)
    return (
        f"{place}: {f'{key}: ' if key and place == file else ''}{said}{more}"
        if key
        else f"{place}: {said}{more}"
    )


def _said(error: ErrorDetails, keys: Sequence[str], model: type[BaseModel]) -> str:
    match error["type"]:
        case "extra_forbidden":
            known = _known_keys(model, keys[:-1], error["loc"])
            guess = did_you_mean(keys[-1], known)
            return f"unknown key{guess}" + (f"; known here: {', '.join(known)}" if known else "")
        case "missing":
            return "is missing"
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case _:
            return f"{error['msg']}; it is {_quote(error.get('input'))}"


def _yaml_keys(loc: tuple[int | str, ...], data: object) -> list[str]:
    """The error's place in the file: pydantic's own path without the names of union members."""
    keys: list[str] = []
    for i, part in enumerate(loc):
        if isinstance(data, Mapping):
            fields = cast("Mapping[object, object]", data)
            if part in fields:
                data = fields[part]
            elif i < len(loc) - 1:
                continue
        elif isinstance(data, Sequence) and not isinstance(data, str) and isinstance(part, int):
            items = cast("Sequence[object]", data)
            data = items[part] if part < len(items) else None
        else:
            continue
        keys.append(str(part))
    return keys


def _known_keys(model: object, keys: Sequence[str], loc: Sequence[int | str]) -> list[str]:
    """The keys that a mapping at ``keys`` may have; none when the place is no model's.

    ``loc`` is pydantic's own path, which names the member of a union by its kind.
    """
    at: object = model
    for key in keys:
        choices = _models_of(at)
        fields = [m.model_fields[key].annotation for m in choices if key in m.model_fields]
        at = fields[0] if fields else _values_of(at)
    every = _models_of(at)
    meant = [m for m in every if "kind" in m.model_fields and m.model_fields["kind"].default in loc] or every
    return sorted({name for m in meant for name in m.model_fields})


def _models_of(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is dict:
        return []
    parts = get_args(annotation)
    if get_origin(annotation) is Annotated:
        parts = parts[:1]
    return [model for part in parts for model in _models_of(part)]


def _values_of(annotation: object) -> object:
    origin, inner = get_origin(annotation), get_args(annotation)
    return inner[1] if origin is dict else inner[0] if origin is tuple else None


def _quote(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _QUOTE else text[:_QUOTE] + "…"
