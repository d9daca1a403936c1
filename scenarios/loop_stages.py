"""The account of a loop: which of its stages are whole, and from what; so a loop is resumed by running it again.

``loop.json`` holds what the loop is (settings, scenarios, problems) and an entry for each stage that is done: the
digests of its inputs and of its output. It is replaced in one step after each stage. A stage without an entry is made
again over whatever a killed process left of it: commands that journal go on, the others begin anew.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from longthought.agents.errors import RunError, UsageError
from longthought.agents.models.local_weights import weights_digest
from longthought.scenarios.replace_file import replace_file
from longthought.synth.corpus.manifest import NAME as CORPUS
from longthought.synth.differences import differences
from longthought.synth.file_hash import file_hash

FILE = "loop.json"


class Stages:
    """The directory of one loop, for one process only. As a context manager it lets go at the end.

    Args:
        identity: what makes two loops the same; JSON.
        say: called with each stage's name and whether it was whole already.

    Raises:
        UsageError: ``out`` holds another loop, or anything else, or a process is at work in it.
        RunError: it cannot be made.
    """

    def __init__(self, out: Path, identity: Mapping[str, Any], say: Callable[[str, bool], None]) -> None:
        self.out, self._say = out, say
        #: As JSON gives it back, so that it compares with what is read.
        self._identity: dict[str, Any] = orjson.loads(orjson.dumps(identity))
        self._done: dict[str, Any] = {}
        try:
            out.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise UsageError(f"{out}: is a file; name a directory with --out") from error
        except OSError as error:
            raise RunError(f"{out}: {error.strerror}") from error
        self._lock = os.open(out, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._open()
        except BlockingIOError:
            os.close(self._lock)
            raise UsageError(f"{out}: another process is at work on this loop; wait for it") from None
        except BaseException:
            os.close(self._lock)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)

    def do(self, name: str, output: Path, inputs: Mapping[str, Any], make: Callable[[], object]) -> Path:
        """The stage's output: there already, or made now.

        Raises:
            UsageError: the stage is done, but from other inputs than those that it would be made from now.
        """
        inputs = orjson.loads(orjson.dumps(inputs))
        done = self._done.get(name)
        if done is not None and output.exists():
            if found := _listed(done["inputs"], inputs):
                raise UsageError(
                    f"{output}: was made from something else ({found}); move it and what came after it away"
                )
            self._say(name, True)
            return output
        self._say(name, False)
        make()
        self._done[name] = {"inputs": inputs, "output": self._place(output), "digest": digest(output)}
        self._write()
        return output

    def digest_of(self, path: Path) -> str:
        """The digest of a stage's output as it was noted, or of anything else."""
        place = self._place(path)
        noted = (done["digest"] for done in self._done.values() if done["output"] == place)
        return next(noted, None) or digest(path)

    def _place(self, path: Path) -> str:
        # Relative, so that a loop that is moved is the same loop.
        return os.path.relpath(path, self.out)

    def _open(self) -> None:
        file = self.out / FILE
        if not file.is_file():
            if any(entry.name != f"{FILE}.partial" for entry in self.out.iterdir()):
                raise UsageError(f"{self.out}: is not empty and holds no loop; choose another --out")
            self._write()
            return
        try:
            held: Any = orjson.loads(file.read_bytes())
            was, self._done = held["identity"], dict(held["stages"])
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise UsageError(f"{file}: is not the account of a loop; choose another --out") from error
        # What a loop of an earlier version did not note of itself is not compared.
        if found := _listed(was, {key: value for key, value in self._identity.items() if key in was}):
            raise UsageError(
                f"{self.out}: holds another loop ({found}); change it back, or choose another --out"
            )

    def _write(self) -> None:
        told = {"identity": self._identity, "stages": self._done}
        replace_file(self.out / FILE, orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n")


def digest(output: Path) -> str:
    """Of a file its hash; of a corpus that of its manifest, which has those of its files; else of a model's weights."""
    if output.is_file():
        return file_hash(output)
    return file_hash(output / CORPUS) if (output / CORPUS).is_file() else weights_digest(output)


def _listed(was: object, is_: object) -> str:
    return "; ".join(f"{key}: {before} → {now}" for key, before, now in differences(was, is_))
