"""How perplexed a model is by debates' thoughts, read from the file that ``longthought perplexity`` writes.

The first line names the model; each of the others is ``{"id": debate, "run": run, "journey": x, "shortcut": y}``, with
null where a debate has no such thought. A file of one's own needs ``id`` and a value; without ``run`` its values are
for debates of any run.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longthought.agents.errors import UsageError

#: How a debate is told as a thought; the names of the values in a line.
ToldAs = Literal["journey", "shortcut"]


class Line(BaseModel):
    """The values of one debate."""

    model_config = ConfigDict(frozen=True)

    id: str
    run: str = ""
    journey: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    shortcut: float | None = Field(default=None, gt=0, allow_inf_nan=False)


class Perplexities:
    """Debate → value."""

    def __init__(self, lines: Mapping[tuple[str, str], Line]) -> None:
        self._lines = lines

    def of(self, debate: str, run: str, told_as: ToldAs) -> float | None:
        """The value of the debate's thought, or None where there is none."""
        line = self._lines.get((run, debate)) or self._lines.get(("", debate))
        if line is None:
            return None
        return line.journey if told_as == "journey" else line.shortcut


@lru_cache(maxsize=8)
def load_perplexities(file: str) -> Perplexities:
    """All values of a file.

    Raises:
        UsageError: no such file, or a line that is none of its lines; it is named.
    """
    lines: dict[tuple[str, str], Line] = {}
    number = 0
    try:
        with Path(file).open("rb") as stream:
            for number, text in enumerate(stream, start=1):
                content: object = orjson.loads(text)
                if number == 1 and isinstance(content, dict) and "id" not in content:
                    continue
                line = Line.model_validate(content)
                lines[line.run, line.id] = line
    except OSError as error:
        raise UsageError(f"perplexities: {file}: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise UsageError(f"perplexities: {file}:{number}: not JSON: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"perplexities: {file}:{number}: {key + ': ' if key else ''}{first['msg']}"
        ) from error
    return Perplexities(lines)
