"""Labels solutions by a reward, or picks those that are most worth labelling; resumable, to a directory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from longthought.agents.calls import digest_of
from longthought.agents.errors import UsageError
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.asking import ask_in
from longthought.scenarios.build import build_reward
from longthought.scenarios.load import load_scenario, settings
from longthought.scenarios.replace_file import replace_file
from longthought.scenarios.show import run_path
from longthought.synth.labelled.from_run import paths_of
from longthought.synth.labelled.published import to_stepwise
from longthought.synth.labelled.read import read_labelled
from longthought.synth.labelled.record import Label, LabelledSolution
from longthought.train.judging.said import Said

LABELLED = "labelled.jsonl"
CONVINCING = "convincing.jsonl"


@dataclass(frozen=True, slots=True)
class LabelOptions:
    """What is labelled and how; see ``longthought label --help``."""

    out: Path
    reward: str
    data: Path | None = None
    run: str | None = None
    sets: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    limit: int | None = None
    threshold: float = 0.5
    #: Instead of labels: so many wrong solutions, those that the reward likes best.
    most_convincing_wrong: int | None = None
    #: Of these, at most so many of one problem.
    per_problem: int = 1
    max_at_once: int = 64
    allow_import: bool = False


@dataclass(frozen=True, slots=True)
class Labelled:
    """What came of it: the file and its rows, and the steps in them that are right, wrong, and without a label."""

    file: Path
    rows: int
    right: int
    wrong: int
    unlabelled: int


async def label(scenario: str, options: LabelOptions, console: Console | None = None) -> Labelled:
    """Have the reward of a scenario read every step of solutions, or of a run's paths, and write stepwise rows.

    Raises:
        UsageError: no such scenario, reward or data, or ``out`` holds other work.
        RunError, ModelError: it cannot go on; the same command resumes it.
    """
    solutions = list(islice(_solutions(options), options.limit))
    if options.most_convincing_wrong is not None:
        solutions = [one for one in solutions if one.answer_right is False]
        if not solutions:
            raise UsageError("--most-convincing-wrong: none of the solutions is known to have a wrong answer")
    if not solutions:
        raise UsageError("there is no solution to label")
    loaded = load_scenario(scenario, options.sets)
    async with AsyncExitStack() as stack:
        built = build_reward(
            loaded,
            options.reward,
            settings(options.options, "--option", "k=16"),
            allow_import=options.allow_import,
        )
        stack.push_async_callback(built.close)
        identity = digest_of(built.reward.identity(), [one.model_dump(mode="json") for one in solutions])
        said, _ = await ask_in(
            options.out,
            identity.hex(),
            "labels",
            built.reward,
            solutions,
            max_at_once=options.max_at_once,
            console=console,
        )
    if options.most_convincing_wrong is not None:
        rows = list(convincing(said, options.most_convincing_wrong, options.per_problem))
        return _write(options.out / CONVINCING, rows)
    return _write(options.out / LABELLED, [labelled(one, options.threshold) for one in said])


def labelled(said: Said, threshold: float) -> dict[str, Any]:
    """The stepwise row of a solution with the reward's labels and, beside them, its values."""
    labels: list[Label | None] = [
        None if score is None else "right" if score >= threshold else "wrong" for score in said.scores
    ]
    solution = said.solution.model_copy(update={"labels": tuple(labels), "kinds": ()})
    return {**to_stepwise(solution), "values": list(said.scores)}


def convincing(said: Sequence[Said], most: int, per_problem: int) -> Iterator[dict[str, Any]]:
    """Wrong solutions, the best liked first, at most ``per_problem`` of one question, without labels.

    A solution's score is the product of its steps', as in Let's Verify Step by Step, §4.2, whose active learning labels
    the most convincing wrong answers. One with a step that could not be read is left out.
    """
    taken: defaultdict[str, int] = defaultdict(int)
    ranked = [(_product(one.scores), one) for one in said]
    read = [(score, one) for score, one in ranked if score is not None]
    for score, one in sorted(read, key=lambda pair: (-pair[0], pair[1].solution.id)):
        if most <= 0:
            return
        if taken[one.solution.question] < per_problem:
            taken[one.solution.question] += 1
            most -= 1
            unlabelled = one.solution.model_copy(update={"labels": (None,) * len(one.scores), "kinds": ()})
            yield {**to_stepwise(unlabelled), "score": score, "values": list(one.scores)}


def _product(scores: Sequence[float | None]) -> float | None:
    product = 1.0
    for score in scores:
        if score is None:
            return None
        product *= score
    return product


def _solutions(options: LabelOptions) -> Iterator[LabelledSolution]:
    if (options.data is None) == (options.run is None):
        raise UsageError("name what is to be labelled: --data FILE or --run RUN")
    if options.data is not None:
        yield from read_labelled(options.data)
        return
    for transcript in read_transcripts(run_path(options.run or "")):
        yield from paths_of(transcript)


def _write(file: Path, rows: Sequence[dict[str, Any]]) -> Labelled:
    replace_file(file, (orjson.dumps(row) + b"\n" for row in rows))
    labels = [label for row in rows for label in row["labels"]]
    return Labelled(file, len(rows), labels.count("right"), labels.count("wrong"), labels.count(None))
