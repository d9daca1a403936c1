"""The transcript: the versioned record of a debate, folded from its events; everything else is derived from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path as FilePath
from typing import BinaryIO, Final, Literal, cast

import orjson
import zstandard
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longthought.agents.decisions import Backtrack, Decision
from longthought.agents.errors import UsageError
from longthought.agents.injection import any_suspect
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.thoughts import Thought, Turn
from longthought.protocols.journal import Event, read_debates
from longthought.protocols.outcomes import Outcome

VERSION: Final = 1
PACKED = "transcripts.jsonl.zst"
#: The protocol of a long thought that others wrote: its thoughts hold its turns of mind themselves.
WRITTEN: Final = "imported"
#: And of one made of a tree of others; its turns of mind are told as a debate's are.
TREE: Final = "imported tree"
#: And of one that a model here wrote in one reply, which is its only thought.
LONG_THOUGHT: Final = "long-thought"
#: A longer line is a mistake or an attack, and is not held in memory.
_LONGEST_LINE: Final = 256 << 20


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Judgement(_Record):
    """What was decided on one thought, with the readings that were known then."""

    thought: int
    decision: Decision
    readings: tuple[Reading, ...] = ()

    @property
    def reward_missing(self) -> bool:
        """It was decided without a reward that could not be had."""
        return any(reading.missing for reading in self.readings)


class SeatUsage(_Record):
    prompt: int = 0
    completion: int = 0
    cached: int = 0


class AskedAgain(_Record):
    """A reply that could not be used: of which seat, the reply, and what was wrong with it."""

    seat: str
    reply: str
    complaint: str


class Transcript(_Record):
    """One debate. Thoughts are in order of birth and every one but perhaps the last has its judgement.

    JSON round trips are exact. Times are not part of it: two runs that did the same have the same transcript.
    """

    version: Literal[1] = VERSION
    run: str = ""
    #: ``debate``, ``monologue``, ``best-of-n``, …; empty in transcripts from before they said so.
    protocol: str = ""
    number: int
    epoch: int = 0
    seed: int = 0
    problem: Problem
    thoughts: tuple[Thought, ...]
    judgements: tuple[Judgement, ...]
    told_wrong: tuple[int, ...] = ()
    asked_again: tuple[AskedAgain, ...] = ()
    repeated: int = 0
    failed_attempts: int = 0
    outcome: Outcome
    turns: int
    usage: dict[str, SeatUsage] = Field(default_factory=dict)
    calls: dict[str, int] = Field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.problem.id}#{self.epoch}"

    @property
    def informed(self) -> bool:
        """Something in it was produced with the answer, or its correctness, in the context."""
        return bool(self.told_wrong) or any(thought.informed for thought in self.thoughts)

    @property
    def suspect_injection(self) -> bool:
        """The problem or a thought tries to speak with another's voice."""
        return any_suspect([self.problem.question, *(thought.text for thought in self.thoughts)])

    @property
    def right(self) -> bool:
        """It ended with the right answer, or by naming what is wrong with an ill-posed problem."""
        return self.outcome.is_right

    def path_to(self, thought: int) -> tuple[Thought, ...]:
        """The thoughts from the problem (left out) to ``thought``, whose id 0 is the problem itself."""
        path: list[Thought] = []
        while thought:
            node = self.thoughts[thought - 1]
            path.append(node)
            thought = node.parent
        return tuple(reversed(path))

    @property
    def behind(self) -> Thought | None:
        """Of a long thought that others wrote: the conclusion that stands behind the thought, outside of it."""
        last = self.thoughts[-1] if self.thoughts and self.protocol == WRITTEN else None
        return last if last is not None and last.kind == "conclusion" else None

    @property
    def final_path(self) -> tuple[Thought, ...]:
        """Where the debate ended: the path to the last thought, or to what a last backtrack left standing."""
        if not self.thoughts:
            return ()
        path = self.path_to(self.thoughts[-1].id)
        last = self.judgements[-1] if self.judgements else None
        if last is not None and last.thought == path[-1].id and isinstance(last.decision, Backtrack):
            return path[: last.decision.to]
        return path

    def walk(self) -> tuple[Turn, ...]:
        """Every thought and what was said of it, in time order."""
        return self._walk

    @cached_property
    def _walk(self) -> tuple[Turn, ...]:
        judged = {judgement.thought: judgement for judgement in self.judgements}
        told = set(self.told_wrong)
        path: list[str] = []
        turns: list[Turn] = []
        for thought in self.thoughts:
            judgement = judged.get(thought.id)
            decision = judgement.decision if judgement else None
            path.append(thought.text)
            depth, at = len(path), ""
            if isinstance(decision, Backtrack):
                del path[decision.to :]
                at = path[-1] if path else ""
            readings = judgement.readings if judgement else ()
            turns.append(Turn(thought, depth, decision, readings, thought.id in told, at))
        return tuple(turns)


def fold(events: Sequence[Event], run: str = "") -> Transcript | None:
    """The transcript of one debate's events, or None while it is unfinished.

    Raises:
        UsageError: the events are not those of a debate of this version.
    """
    if not events or events[-1]["kind"] != "closed":
        return None
    by_kind: dict[str, list[dict[str, object]]] = {}
    for event in events:
        by_kind.setdefault(event["kind"], []).append(event["data"])
    opened, closed = events[0]["data"], dict(events[-1]["data"])
    try:
        return Transcript.model_validate(
            {
                "run": run,
                "protocol": opened.get("protocol", ""),
                "number": events[0]["debate"],
                "epoch": opened["epoch"],
                "seed": opened["seed"],
                "problem": opened["problem"],
                "thoughts": by_kind.get("thought", []),
                "judgements": by_kind.get("judged", []),
                "told_wrong": [data["thought"] for data in by_kind.get("told", [])],
                "asked_again": by_kind.get("asked_again", []),
                "repeated": len(by_kind.get("repeated", [])),
                "failed_attempts": len(by_kind.get("failed", [])),
                "turns": closed.pop("turns"),
                "usage": closed.pop("usage"),
                "calls": closed.pop("calls"),
                "outcome": closed,
            }
        )
    except (ValidationError, KeyError) as error:
        raise UsageError(
            f"debate {events[0]['debate']}: not a transcript of version {VERSION}: {error}"
        ) from error


@dataclass(frozen=True, slots=True)
class Line:
    """A transcript as a line of a file, not yet read: reading can be left to another process."""

    file: str
    number: int
    text: bytes

    @property
    def problem(self) -> str | None:
        """Its problem's id, at less cost than reading all of it; None where reading will fail."""
        try:
            return str(orjson.loads(self.text)["problem"]["id"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return None

    def read(self) -> Transcript:
        try:
            return Transcript.model_validate_json(self.text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            said = f"{self.file}:{self.number}: not a transcript: {where}: {first['msg']}"
            raise UsageError(said) from error


@dataclass(frozen=True, slots=True)
class Events:
    """The events of a finished debate, not yet folded."""

    run: str
    events: list[Event]

    @property
    def problem(self) -> str | None:
        """Its problem's id."""
        try:
            return str(self.events[0]["data"]["problem"]["id"])
        except (KeyError, TypeError):
            return None

    def read(self) -> Transcript:
        return cast("Transcript", fold(self.events, self.run))  # only what is unfinished folds to None


Unread = Line | Events


def unread_transcripts(source: FilePath) -> Iterator[Unread]:
    """The finished transcripts of a run directory (packed or not) or of a ``.jsonl`` / ``.jsonl.zst`` file, in order.

    Raises:
        UsageError: nothing there, or it cannot be read.
    """
    if source.is_dir():
        packed = source / PACKED
        if packed.is_file():
            yield from _lines(packed)
        elif any(source.glob("journal-*.jsonl")):
            for events in read_debates(source):
                if events[-1]["kind"] == "closed":
                    yield Events(source.name, events)
        else:
            raise UsageError(f"{source}: no run here (neither {PACKED} nor journal-*.jsonl)")
    elif source.is_file():
        yield from _lines(source)
    else:
        raise UsageError(f"{source}: no such run directory or transcript file")


def read_transcripts(source: FilePath) -> Iterator[Transcript]:
    """The same transcripts, read.

    Raises:
        UsageError: nothing there, or a line that is no transcript; the line says which.
    """
    for unread in unread_transcripts(source):
        yield unread.read()


def _lines(file: FilePath) -> Iterator[Line]:
    number = 0
    try:
        with _open_zst(file, "rb") if file.suffix == ".zst" else file.open("rb") as content:
            # Split on "\n" only: model text may hold Unicode line separators.
            rest: list[bytes] = []
            while chunk := content.read(1 << 20):
                first, *others = chunk.split(b"\n")
                rest.append(first)
                if others:
                    for text in (b"".join(rest), *others[:-1]):
                        number += 1
                        yield Line(str(file), number, text)
                    rest = others[-1:]
                elif sum(map(len, rest)) > _LONGEST_LINE:
                    raise UsageError(f"{file}:{number + 1}: a line longer than {_LONGEST_LINE >> 20} MiB")
            if any(rest):
                yield Line(str(file), number + 1, b"".join(rest))
    except (OSError, zstandard.ZstdError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from error


def _open_zst(file: FilePath, mode: Literal["rb", "wb"]) -> BinaryIO:
    # zstandard's annotations leave the type of what it opens out.
    return cast("BinaryIO", zstandard.open(file, mode))  # pyright: ignore[reportUnknownMemberType]


def pack(run_dir: FilePath) -> FilePath:
    """Write the finished transcripts of a run into one compressed file beside the journal, atomically."""
    target = run_dir / PACKED
    folded = (fold(events, run_dir.name) for events in read_debates(run_dir))
    write_transcripts(target, (transcript for transcript in folded if transcript is not None))
    return target


def write_transcripts(target: FilePath, transcripts: Iterable[Transcript]) -> int:
    """Write them into one file, compressed if its name ends so; it takes its place once it is whole. Their number."""
    partial = target.with_name(f"{target.name}.partial")
    written = 0
    try:
        with _open_zst(partial, "wb") if target.suffix == ".zst" else partial.open("wb") as out:
            for transcript in transcripts:
                out.write(transcript.model_dump_json(exclude_none=True).encode() + b"\n")
                written += 1
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return written
