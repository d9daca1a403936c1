"""What runs in the two sandboxes of a unit test, as a script and with the standard library alone.

``code`` loads a solution and calls what is in it; ``tests`` runs the tests and asks for these calls, one line of JSON
each way. So the solution's process never holds the tests, what they expect or the verdict, and whatever it does to
itself, it can only return values. Values travel as plain data: its objects and their methods stay behind,
and are only named.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import itertools
import json
import os
import resource
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any, BinaryIO, NoReturn

CPU_SECONDS = 10
MEMORY = 512 * 2**20
#: Bytes of one reply.
MAX_REPLY = 64 * 1024
#: Values that are taken from an iterator.
MAX_ITERATED = 10_000
MAX_SAID = 300

SETUP, SOLUTION, TESTS = "/setup.py", "/solution.py", "/tests.py"


def limit() -> None:
    """Limits that no one in the sandbox can raise again."""
    for kind, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_NPROC, 16),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def load(path: str, names: dict[str, Any]) -> ModuleType:
    """Run the file as a module that already holds ``names``."""
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    vars(module).update(names)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def public(module: ModuleType) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if not name.startswith("__")}


# --- values as JSON --------------------------------------------------------------------------------------------

_BYTES: dict[str, type[bytes] | type[bytearray]] = {"bytes": bytes, "bytearray": bytearray}
_COLLECTIONS: dict[str, Any] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


def write(value: Any, keep: Callable[[Any], int]) -> Any:
    """``value`` as JSON; ``keep`` numbers what is no plain data."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return ["int", hex(value)]
    if isinstance(value, float):
        return ["float", float(value).hex()]
    if isinstance(value, complex):
        return ["complex", value.real.hex(), value.imag.hex()]
    for name, kind in _BYTES.items():
        if isinstance(value, kind):
            return [name, kind(value).hex()]
    if _is_a(value, dict):
        return ["dict", [[write(key, keep), write(one, keep)] for key, one in value.items()]]
    for name, collection in _COLLECTIONS.items():
        if isinstance(value, collection):
            return [name, [write(one, keep) for one in value]]
    if _is_a(value, Iterator):
        return ["iterator", [write(one, keep) for one in itertools.islice(value, MAX_ITERATED)]]
    return ["kept", keep(value)]


def _is_a(value: Any, kind: type) -> bool:
    return isinstance(value, kind)  # and of what it is one is not known


def read(said: Any, kept: Callable[[int], Any]) -> Any:
    """The value of what ``write`` made."""
    if said is None or isinstance(said, (bool, str)):
        return said
    name, what, *more = said
    if name in _COLLECTIONS:
        return _COLLECTIONS[name]([read(one, kept) for one in what])
    if name == "iterator":
        return iter([read(one, kept) for one in what])
    if name == "dict":
        return {read(key, kept): read(one, kept) for key, one in what}
    if name == "int":
        return int(what, 16)
    if name == "float":
        return float.fromhex(what)
    if name == "complex":
        return complex(float.fromhex(what), float.fromhex(more[0]))
    if name in _BYTES:
        return _BYTES[name].fromhex(what)
    if name == "kept":
        return kept(what)
    raise ValueError("not a value")


def say(file: BinaryIO, what: Any) -> None:
    file.write(json.dumps(what).encode() + b"\n")
    file.flush()


# --- the solution ----------------------------------------------------------------------------------------------


def serve(calls: BinaryIO, replies: BinaryIO) -> None:
    """Load the solution, then call what is asked for until nobody asks."""
    say(replies, "started")
    kept: list[Any] = []

    def keep(value: Any) -> int:
        kept.append(value)
        return len(kept) - 1

    def reply(work: Callable[[], Any]) -> None:
        try:
            said = {"value": write(work(), keep)}
        except BaseException as error:
            said = {"raised": type(error).__name__, "said": str(error)[:MAX_SAID]}
        say(replies, said)

    names: dict[str, Any] = {}

    def start() -> None:
        names.update(public(load(SETUP, {})))
        names.update(public(load(SOLUTION, names)))

    def call(request: dict[str, Any]) -> Any:
        name = request.get("name")
        if name is not None and name not in names:
            raise NameError(f"the solution has no {name}")
        function = kept[request["kept"]] if name is None else names[name]
        arguments, keywords = (read(request[key], kept.__getitem__) for key in ("arguments", "keywords"))
        return function(*arguments, **keywords)

    reply(start)
    for line in calls:
        reply(partial(call, json.loads(line)))


# --- the tests -------------------------------------------------------------------------------------------------


class Gone(BaseException):
    """The solution's process ended or said something unreadable: no ``except Exception`` of a test can pass over it."""


class Solution:
    """The other process, as the tests see it."""

    def __init__(self, calls: BinaryIO, replies: BinaryIO) -> None:
        self._calls, self._replies = calls, replies
        self.called = 0
        self.gone = ""

    def hear(self) -> Any:
        line = self._replies.readline(MAX_REPLY + 1)
        if len(line) > MAX_REPLY:
            self.leave(f"it returned more than {MAX_REPLY // 1024} kB")
        if not line.endswith(b"\n"):
            self.leave("it ended before the tests did")
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            self.leave("its reply is unreadable")

    def leave(self, why: str) -> NoReturn:
        self.gone = self.gone or why
        raise Gone(self.gone)

    def value(self) -> Any:
        said = self.hear()
        try:
            if "value" in said:
                return read(said["value"], lambda number: Kept(self, number))
            raised, message = str(said["raised"]), str(said["said"])[:MAX_SAID]
        except Exception:
            self.leave("its reply is unreadable")
        kind = getattr(builtins, raised, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                error = kind(message)
            except TypeError:  # some want more than a message
                error = RuntimeError(f"{raised}: {message}")
            raise error
        raise RuntimeError(f"{raised}: {message}")

    def call(self, function: dict[str, Any], arguments: Any, keywords: Any) -> Any:
        if self.gone:
            self.leave(self.gone)
        self.called += 1
        request = {**function, "arguments": write(arguments, number), "keywords": write(keywords, number)}
        try:
            say(self._calls, request)
        except OSError:
            self.leave("it ended before the tests did")
        return self.value()


class Function:
    """A function of the solution, by its name."""

    def __init__(self, solution: Solution, name: str) -> None:
        self._solution, self.__name__ = solution, name

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._solution.call({"name": self.__name__}, arguments, keywords)


class Kept:
    """An object that stays with the solution; equal to itself alone."""

    def __init__(self, solution: Solution, number: int) -> None:
        self._solution, self.number = solution, number

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._solution.call({"kept": self.number}, arguments, keywords)


def number(value: Any) -> int:
    if isinstance(value, Kept):
        return value.number
    raise TypeError(f"the tests hand the solution a {type(value).__name__}, which is no plain data")


def wanted(tests: str) -> set[str]:
    """The names that the tests use and do not make."""
    used, made = set[str](), set[str]()
    for node in ast.walk(ast.parse(tests)):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, ast.alias):
            made.add((node.asname or node.name).partition(".")[0])
    return used - made - set(dir(builtins))


def judge(solution: Solution, entry_point: str) -> dict[str, str]:
    """``passed``, ``failed`` with the reason, or ``broken`` if it is not for the solution to answer for."""
    try:
        started = solution.hear() == "started"
    except Gone:
        started = False
    if not started:
        return {"broken": "the sandbox of the solution did not start"}
    try:
        solution.value()
    except Exception as error:
        return {"failed": f"it does not load: {told(error)}"}
    try:
        setup = public(load(SETUP, {}))
        with open(TESTS, encoding="utf-8") as file:
            unknown = wanted(file.read()) - setup.keys()
    except Exception as error:
        return {"broken": f"the tests do not load: {told(error)}"}
    names = {name: Function(solution, name) for name in unknown | ({entry_point} - {""})}
    try:
        tests = load(TESTS, {**setup, **names})
        if entry_point and (check := vars(tests).get("check")) is not None:
            check(names[entry_point])
    except Exception as error:
        return {"failed": told(error)}
    if solution.gone:
        return {"failed": solution.gone}
    return {"passed": ""} if solution.called else {"broken": "the tests call nothing of the solution"}


def told(error: BaseException) -> str:
    lines = [frame.line for frame in traceback.extract_tb(error.__traceback__) if frame.filename == TESTS]
    said = f"{type(error).__name__}: {error}".removesuffix(": ")
    return (f"{said} at {lines[-1]}" if lines and lines[-1] else said)[:MAX_SAID]


def main() -> None:
    limit()
    into, out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    role, *more = sys.argv[1:]
    if role == "code":
        serve(into, out)
        return
    calls, entry_point = more
    say(out, "started")
    try:
        verdict = judge(Solution(os.fdopen(int(calls), "wb"), into), entry_point)
    except Gone as gone:
        verdict = {"failed": str(gone)}
    say(out, verdict)


if __name__ == "__main__":
    main()
