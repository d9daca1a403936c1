"""Reads a bank of words or phrases: a YAML file of the user's, or the one that is shipped."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from longthought.agents.errors import UsageError
from longthought.agents.first_error import first_error

Bank = TypeVar("Bank", bound=BaseModel)


def read_bank(kind: type[Bank], what: str, file: str | None, shipped: tuple[str, str]) -> Bank:
    """The bank in ``file``, or the shipped one, given by its package and name.

    Args:
        what: what error lines call it.

    Raises:
        UsageError: no such file, no YAML, or not what ``kind`` asks for.
    """
    try:
        package, name = shipped
        place = resources.files(package) / name if file is None else Path(file)
        return kind.model_validate(yaml.safe_load(place.read_text("utf-8")))
    except OSError as error:
        raise UsageError(f"{what}: {file}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{what}: {file}: not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise UsageError(f"{what}: {file}: {first_error(error)}") from error
