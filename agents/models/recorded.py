"""An engine that records another engine's replies to a file, and replays them without it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from longthought.agents.calls import digest_of
from longthought.agents.errors import FatalModelError, UsageError
from longthought.agents.models.contract import Message, Model, Reply, Sampling, ToolMessage


class RecordedModel(Model):
    """With ``source``: asks it and appends each exchange to ``file``. Without: replays ``file``, in order per request.

    Only whole replies are recorded, never errors, so that one bad minute does not poison later runs.

    Raises:
        UsageError: ``file`` cannot be read, or with ``source`` not be written.
        FatalModelError: a request was never recorded, or more often asked than recorded.
    """

    def __init__(self, file: Path, source: Model | None = None) -> None:
        super().__init__(source.name if source else f"recorded:{file.name}")
        self._file, self._source = file, source
        self._replies: defaultdict[str, deque[list[dict[str, Any]]]] = defaultdict(deque)
        if source is None:
            self._load()
        else:
            self._open()

    def _open(self) -> None:
        try:
            self._file.open("ab").close()
        except OSError as error:
            raise UsageError(f"recorded model: cannot write {self._file}: {error.strerror}") from error

    def _load(self) -> None:
        try:
            lines = self._file.read_bytes().split(b"\n")
        except OSError as error:
            raise UsageError(f"recorded model: cannot read {self._file}: {error.strerror}") from error
        for number, line in enumerate(lines, start=1):
            if not line:
                continue
            try:
                row = orjson.loads(line)
                self._replies[row["request"]].append(row["replies"])
            except (orjson.JSONDecodeError, KeyError, TypeError) as error:
                raise UsageError(f"{self._file}:{number}: not a recorded exchange") from error

    async def sample(
        self, messages: Sequence[Message | ToolMessage], sampling: Sampling, n: int = 1
    ) -> list[Reply]:
        request = digest_of(messages, sampling, n).hex()
        if self._source is not None:
            replies = await self._source.sample(messages, sampling, n)
            row = {"request": request, "replies": [reply.to_json() for reply in replies]}
            with self._file.open("ab") as out:
                out.write(orjson.dumps(row) + b"\n")
            return replies
        waiting = self._replies.get(request)
        if not waiting:
            raise FatalModelError(f"{self._file}: holds no (further) reply to this request")
        return [Reply.from_json(row) for row in waiting.popleft()]

    async def close(self) -> None:
        if self._source is not None:
            await self._source.close()
