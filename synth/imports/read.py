"""Reads long thoughts and trees of others as transcripts, telling the formats apart by the columns of their rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, cast

import zstandard
from pydantic import ValidationError

from longthought.agents.errors import UsageError
from longthought.agents.first_error import first_error
from longthought.agents.problems import Problem
from longthought.protocols.transcript import Transcript
from longthought.synth.imports import published, think, trees
from longthought.synth.imports.foreign import Foreign
from longthought.synth.imports.to_transcript import to_transcript
from longthought.synth.imports.turns_of_mind import TurnsOfMind, load_turns
from longthought.synth.json_rows import Place, json_rows, plain_stem
from longthought.synth.labelled.read import FORMATS as LABELLED

_Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Format:
    """A format: what its rows must have, and how one is read."""

    takes: Callable[[_Row], bool]
    read: Callable[[_Row], Iterator[Foreign]]


def _has(*columns: str) -> Callable[[_Row], bool]:
    return lambda row: set(columns) <= row.keys()


def _labelled(row: _Row) -> Iterator[Foreign]:
    read = next(reader for needed, reader in LABELLED.values() if needed <= row.keys())
    return (trees.labelled(solution) for solution in read(row, "row"))


#: The first that fits a row is taken.
FORMATS: dict[str, Format] = {
    "prm800k": Format(
        lambda row: isinstance(row.get("question"), dict) and "label" in row, trees.prm800k_published
    ),
    "prm800k-trajectories": Format(
        lambda row: "problem" in row and _holds(row.get("steps"), "completions"), trees.prm800k_trajectory
    ),
    "tree": Format(
        lambda row: any(isinstance(row.get(name), dict | list) for name in trees.TREES), trees.valued
    ),
    "verifiers": Format(_has("prompt", "completion", "reward"), published.verifiers),
    "sky-t1": Format(lambda row: "question" in row and isinstance(row.get("code"), list), published.sky_t1),
    "o1-journey": Format(_has("question", "longCOT"), published.o1_journey),
    "marco-o1": Format(
        lambda row: _has("instruction", "response")(row) and "<Thought>" in str(row["response"]),
        published.marco_o1,
    ),
    "think": Format(think.takes, think.thoughts),
    "labelled": Format(lambda row: any(needed <= row.keys() for needed, _ in LABELLED.values()), _labelled),
}


@dataclass
class Import:
    """What is to be read and how; and, while it is read, what was passed over.

    Attributes:
        scorer: what is to judge the answers of problems with a gold answer; written into the problems.
        limit: at most so many rows of each file.
        skip_broken: count rows that cannot be read, instead of stopping at the first.
        broken: what was wrong with each, the first few of them.
    """

    format: str | None = None
    scorer: str = "math-verify"
    limit: int | None = None
    turns: TurnsOfMind = field(default_factory=load_turns)
    skip_broken: bool = False
    rows: int = 0
    skipped: int = 0
    broken: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in FORMATS:
            raise UsageError(f"import: no format {self.format!r}; there are {', '.join(FORMATS)}")

    def transcripts(self, files: Iterable[Path]) -> Iterator[Transcript]:
        """What ``in_order`` gives, with the samples of a problem side by side, as exports and the like want them.

        The problems come as their first samples do. All files are read before the first transcript comes; meanwhile
        the transcripts lie packed in a temporary file, and only their places in it are in memory.
        """
        packer, unpacker = zstandard.ZstdCompressor(), zstandard.ZstdDecompressor()
        places: dict[str, list[tuple[int, int]]] = {}
        with TemporaryFile() as waiting:
            for transcript in self.in_order(files):
                packed = packer.compress(transcript.model_dump_json().encode())
                places.setdefault(transcript.problem.id, []).append((waiting.tell(), len(packed)))
                waiting.write(packed)
            for number, (at, size) in enumerate(chain.from_iterable(places.values())):
                waiting.seek(at)
                transcript = Transcript.model_validate_json(unpacker.decompress(waiting.read(size)))
                yield transcript.model_copy(update={"number": number})

    def in_order(self, files: Iterable[Path]) -> Iterator[Transcript]:
        """The transcripts of every row of every file, as they stand there; answers are not judged yet.

        Rows with the same question are samples of one problem, named by the first of them.

        Raises:
            UsageError: a file or a row that cannot be read; the line names it and says what is wrong.
        """
        names: dict[bytes, str] = {}
        samples: Counter[str] = Counter()
        number = 0
        for file in files:
            before = self.rows
            for place in islice(json_rows(file), self.limit):
                self.rows += 1
                name = f"{plain_stem(file)}-{place.number}"
                try:
                    for one in self._foreign(place):
                        digest = blake2b(one.question.encode(), digest_size=16).digest()
                        if digest not in names:
                            # Files in two directories may have one name, and their rows then, too.
                            names[digest] = f"{name}-{digest.hex()[:8]}" if name in samples else name
                            samples[names[digest]] = 0
                        problem = self._problem(one, names[digest])
                        made = to_transcript(
                            one,
                            problem,
                            self.turns,
                            run=plain_stem(file),
                            number=number,
                            epoch=samples[problem.id],
                        )
                        samples[problem.id] += 1
                        number += 1
                        yield made
                except ValueError as error:
                    self._pass_over(place, error)
            if self.rows == before:
                raise UsageError(f"{file}: no rows in it")

    def _foreign(self, place: Place) -> list[Foreign]:
        row = place.sound()
        columns: _Row = cast("dict[str, Any]", row) if isinstance(row, dict) else {}
        if self.format is None:
            found = next((form for form in FORMATS.values() if form.takes(columns)), None)
            if found is None:
                raise ValueError(
                    f"no format takes a row with the columns {sorted(columns)}; --format names one of "
                    f"{', '.join(FORMATS)}"
                )
        else:
            found = FORMATS[self.format]
            if self.format == "labelled" and not found.takes(columns):
                raise ValueError(f"no labelled solution has the columns {sorted(columns)}")
        return list(found.read(columns))

    def _problem(self, one: Foreign, name: str) -> Problem:
        return Problem(
            id=name,
            question=one.question,
            gold=one.gold,
            scorer="none" if one.gold is None else self.scorer,
            metadata=one.metadata,
        )

    def _pass_over(self, place: Place, error: ValueError) -> None:
        said = first_error(error) if isinstance(error, ValidationError) else str(error)
        told = said if said.startswith(str(place.file)) else f"{place}: {said}"
        if not self.skip_broken:
            raise UsageError(f"{told} (--skip-broken counts such rows and goes on)") from error
        self.skipped += 1
        if len(self.broken) < 5:
            self.broken.append(told)


def _holds(value: object, key: str) -> bool:
    """Whether it is a list whose first member is a mapping with this key."""
    first = cast("list[object]", value)[0] if isinstance(value, list) and value else None
    return isinstance(first, dict) and key in first
