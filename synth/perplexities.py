"""How perplexed a model is by debates' thoughts, read from the file that ``longthought perplexity`` writes.

The first line names the model; each of the others is ``{"id": debate, "run": run, "journey": x, "shortcut": y}``, with
null where a debate has no such thought. A file of one's own needs ``id`` and a value; without ``run`` its values are
for debates of any run.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from math import isnan, nan
from pathlib import Path
from typing import Literal, get_args

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longthought.agents.errors import UsageError
from longthought.agents.first_error import first_error
from longthought.synth.file_version import Version, version_of

#: How a debate is told as a thought; the names of the values in a line.
ToldAs = Literal["journey", "shortcut"]


class Line(BaseModel):
    """The values of one debate."""

    model_config = ConfigDict(frozen=True, strict=True)

    id: str
    run: str = ""
    journey: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    shortcut: float | None = Field(default=None, gt=0, allow_inf_nan=False)


class Perplexities:
    """Debate → value; 24 bytes a debate, and shared by all that read the same file."""

    def __init__(self, lines: Iterable[Line]) -> None:
        values = {_key(line.run, line.id): (line.journey or nan, line.shortcut or nan) for line in lines}
        keys = sorted(values)
        self._keys = array("Q", keys)
        self._values: dict[ToldAs, array[float]] = {
            told_as: array("d", (values[key][column] for key in keys))
            for column, told_as in enumerate(get_args(ToldAs))
        }

    def of(self, debate: str, run: str, told_as: ToldAs) -> float | None:
        """The value of the debate's thought, or None where there is none."""
        for key in (_key(run, debate), _key("", debate)):
            at = bisect_left(self._keys, key)
            if at < len(self._keys) and self._keys[at] == key:
                value = self._values[told_as][at]
                return None if isnan(value) else value
        return None


def load_perplexities(file: str) -> Perplexities:
    """All values of a file.

    Raises:
        UsageError: no such file, or a line that is none of its lines; it is named.
    """
    return _read(file, version_of(file))


@lru_cache(maxsize=8)
def _read(file: str, version: Version | None) -> Perplexities:
    return Perplexities(_lines(file))


def _lines(file: str) -> Iterator[Line]:
    number = 0
    try:
        with Path(file).open("rb") as stream:
            for number, text in enumerate(stream, start=1):
                content: object = orjson.loads(text)
                if number == 1 and isinstance(content, dict) and "id" not in content:
                    continue
                yield Line.model_validate(content)
    except OSError as error:
        raise UsageError(f"perplexities: {file}: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise UsageError(f"perplexities: {file}:{number}: not JSON: {error}") from error
    except ValidationError as error:
        raise UsageError(f"perplexities: {file}:{number}: {first_error(error)}") from error


def _key(run: str, debate: str) -> int:
    told = f"{run}\0{debate}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(told, digest_size=8).digest())
