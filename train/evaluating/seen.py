"""Which problems a model has been trained on: the questions of corpora, and the corpora that a model's record names.

A question is in a corpus if its lines stand, one behind the other, in what a row shows the user or gives as question or
prompt, compared as ``synth.clean.exact`` compares texts. So cues and fences around it do not hide it; words before it
on its own line do. Models that a training started from are followed back by their records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.synth.clean.exact import normal
from longthought.synth.clean.question_files import COLUMNS
from longthought.train.corpus import corpus_files, read_rows
from longthought.train.provenance import read_record
from longthought.train.settings import CorpusSettings, ProblemSettings

#: A longer chain of models has a loop in it.
_MOST_STARTS = 32


@dataclass(frozen=True, slots=True)
class Training:
    """What is known of a model's training: corpora, problems, and names of corpora and models that are not there."""

    corpora: tuple[CorpusSettings, ...] = ()
    problems: tuple[ProblemSettings, ...] = ()
    gone: tuple[str, ...] = ()


def training_of(model: Path) -> Training:
    """By the ``training.json`` in the model's directory, and by that of the model it started from, and so on."""
    found: list[CorpusSettings] = []
    problems: list[ProblemSettings] = []
    gone: list[str] = []
    for _ in range(_MOST_STARTS):
        settings = _settings(model)
        for corpus in _corpora(settings):
            try:
                corpus_files(corpus)
                found.append(corpus)
            except UsageError:
                gone.append(str(corpus.path))
        with suppress(ValidationError):  # none, or not as this version writes them
            problems.append(ProblemSettings.model_validate(settings.get("problems")))
        start = settings.get("model")
        if not isinstance(start, str):
            break
        if start == "embedded":
            break  # its card says what it learned
        model = Path(start)
        if not model.is_dir():
            gone.append(start)
            break
    return Training(tuple(found), tuple(problems), tuple(dict.fromkeys(gone)))


def corpora_at(path: Path) -> list[CorpusSettings]:
    """A file of rows, or all kinds in a corpus's directory.

    Raises:
        UsageError: there are no rows to train on.
    """
    if path.is_file():
        return [CorpusSettings(path=path, kind="rows")]
    found: list[CorpusSettings] = []
    for place in sorted(path.iterdir()) if path.is_dir() else []:
        corpus = CorpusSettings(path=path, kind=place.name)
        if place.is_dir() and any(place.glob("train*.*")) and corpus_files(corpus):
            found.append(corpus)
    if not found:
        raise UsageError(
            f"--trained-on {path}: no corpus here; name a directory of `longthought export` or a file"
        )
    return found


def holds_texts(corpus: CorpusSettings) -> bool:
    """Whether its rows show questions as text, and not as a tokenizer's ids.

    Raises:
        UsageError: it cannot be read.
    """
    row = next(read_rows([corpus]), None)
    return row is None or "input_ids" not in row.content


def seen(problems: Iterable[Problem], corpora: Sequence[CorpusSettings]) -> list[Problem]:
    """Those of the problems whose question is in one of the corpora.

    Raises:
        UsageError: a corpus cannot be read.
    """
    whole, together = _shown(tuple(corpora))
    return [
        problem
        for problem in problems
        if (question := _lines(problem.question)) in whole or f"\n{question}\n" in together
    ]


@lru_cache(maxsize=4)
def _shown(corpora: tuple[CorpusSettings, ...]) -> tuple[frozenset[str], str]:
    """Everything that rows show, and those texts of it that have several lines, as one.

    In one long text a question is found in one pass. Blank lines keep its texts apart, for within them there are none.
    """
    whole = frozenset(
        _lines(text) for corpus in corpora for row in read_rows([corpus]) for text in _texts(row.content)
    )
    return whole, "\n" + "\n\n".join(sorted(text for text in whole if "\n" in text)) + "\n"


def _lines(text: str) -> str:
    """The text with its lines in normal form, blank ones left out."""
    return "\n".join(line for each in text.split("\n") if (line := normal(each)))


def _texts(row: Mapping[str, Any]) -> Iterator[str]:
    for column in (*COLUMNS, "messages", "conversations"):
        value = row.get(column)
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            for message in cast("list[object]", value):
                if isinstance(message, dict):
                    said = cast("dict[str, Any]", message)
                    if said.get("role", said.get("from")) in ("user", "human"):
                        yield str(said.get("content", said.get("value")))


def _settings(model: Path) -> dict[str, Any]:
    """Those of the model's record; empty where somebody else's file has the record's name."""
    settings: object = read_record(model).get("settings")
    return cast("dict[str, Any]", settings) if isinstance(settings, dict) else {}


def _corpora(settings: Mapping[str, Any]) -> Iterator[CorpusSettings]:
    """Those of all its phases."""
    entries: object = settings.get("corpora")
    for entry in cast("list[object]", entries) if isinstance(entries, list) else ():
        try:
            yield CorpusSettings.model_validate(entry)
        except ValidationError:  # not as this version writes it
            continue
