"""The file of perplexities while it is written: it grows by whole lines, so what is in it is not computed again."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import orjson
from pydantic import ValidationError

from longthought.agents.errors import RunError, UsageError
from longthought.protocols.journal import cut_torn_tail
from longthought.synth.perplexities import Line

#: What is measured, so that no file holds values of two kinds.
_MEASURED = "the thought in its tags"


class PerplexityFile:
    """Open for one writer. ``held`` are the debates in it, as run and id.

    Raises:
        UsageError: it is of other weights or no such file, which is left as it is; or another process writes to it.
        RunError: it cannot be written.
    """

    def __init__(self, path: Path, model: str, weights: str) -> None:
        self._path, self._weights = path, weights
        self.held: set[tuple[str, str]] = set()
        header = orjson.dumps({"perplexity_of": model, "weights": weights, "measured": _MEASURED}) + b"\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise RunError(f"{path}: {error.strerror}") from error
        try:
            self._read(header)
        except BaseException:
            os.close(self._fd)
            raise

    def append(self, lines: Iterable[dict[str, Any]]) -> None:
        """Write lines of debates and bring them to the disk."""
        self._write(b"".join(orjson.dumps(line) + b"\n" for line in lines))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def _read(self, header: bytes) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{self._path}: another process is writing to it; choose another --out"
            ) from None
        with self._path.open("rb") as lines:
            first = lines.readline()
            # Killed while it wrote the first line, it left a part of it.
            begun = not first.endswith(b"\n") and header.startswith(first)
            if not begun and not self._ours(first):
                raise UsageError(
                    f"{self._path}: holds no perplexities of this model's weights, as they are measured now; choose "
                    "another --out"
                )
            for number, line in enumerate(lines, start=2):
                if line.endswith(b"\n"):
                    self._hold(line, number)
        cut_torn_tail(self._fd)
        if begun:
            self._write(header)

    def _ours(self, first: bytes) -> bool:
        try:
            content: Any = orjson.loads(first)
        except orjson.JSONDecodeError:
            return False
        header = cast("dict[str, object]", content) if isinstance(content, dict) else {}
        return (header.get("weights"), header.get("measured")) == (self._weights, _MEASURED)

    def _hold(self, text: bytes, number: int) -> None:
        try:
            line = Line.model_validate_json(text)
        except ValidationError as error:
            raise UsageError(
                f"{self._path}:{number}: no line of perplexities; mend it or choose another --out"
            ) from error
        self.held.add((line.run, line.id))

    def _write(self, text: bytes) -> None:
        try:
            while text:
                text = text[os.write(self._fd, text) :]
            os.fsync(self._fd)
        except OSError as error:
            raise RunError(
                f"{self._path}: {error.strerror}; free space and start again, nothing is lost"
            ) from error
