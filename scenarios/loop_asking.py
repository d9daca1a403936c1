"""Asks a scenario's problems on behalf of a loop: some of them, other models in its seats, transcripts in one file.

They are asked by ``run``, by the scenario's own protocol; it journals, so what was asked before a process was killed is
not asked again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.prompts import Prompts
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts, write_transcripts
from longthought.scenarios.dataset_files import FileSpec
from longthought.scenarios.load import Loaded
from longthought.scenarios.replace_file import replace_file
from longthought.scenarios.run import RunOptions, play_to_end
from longthought.train.loops.commands import Seat

#: Engines whose weights are their own, so that others cannot be put in their place.
_FIXED = ("openai", "recorded")


@dataclass(frozen=True, slots=True)
class How:
    """In what manner models are asked; nothing here changes what they say."""

    max_connections: int = 64
    allow_import: bool = False
    allow_code: bool = False


def seated(loaded: Loaded, seats: Mapping[Seat, tuple[str, str]]) -> Loaded:
    """The scenario with other weights in its seats: for each the directory or name, and what transcripts call it.

    A seat that the scenario's protocol does not ask stays as it is.

    Raises:
        UsageError: a seat without a model, or one whose engine has weights of its own.
    """
    scenario = loaded.scenario
    models, sitting = dict(scenario.models), dict[str, Any]()
    for seat, (weights, called) in seats.items():
        spec = scenario.sitting.get(seat)
        if spec is None:
            continue
        if spec.model is None:
            raise UsageError(
                f"{loaded.source}: seats.{seat}: a loop trains who sits there; name a model under 'model'"
            )
        engine = scenario.models[spec.model]
        if engine.engine in _FIXED:
            raise UsageError(
                f"{loaded.source}: models.{spec.model}: engine {engine.engine} cannot be given the weights that a "
                "round trains; use transformers or vllm"
            )
        # A name of its own: the same model may sit in the other seat, where it stays what it is.
        update: dict[str, Any] = {"model": weights, "lora": None, "name": engine.name or called}
        if "model" in engine.options:
            update["options"] = {**engine.options, "model": weights}
        models[f"loop-{seat}"] = engine.model_copy(update=update)
        sitting[seat] = spec.model_copy(update={"model": f"loop-{seat}"})
    changed = {"models": models, "seats": scenario.seats.model_copy(update=sitting)}
    return replace(loaded, scenario=scenario.model_copy(update=changed))


def ask(
    loaded: Loaded,
    problems: Sequence[Problem],
    out: Path,
    run: str,
    how: How,
    *,
    samples: int,
    seed: int,
    hints: str | None = None,
) -> None:
    """Write the transcripts of ``samples`` tries of each problem to ``out``; the work lies in ``out`` without suffixes.

    Args:
        run: what the transcripts call their run.
        hints: the prompt set by which the answer is told with the question.
    """
    work = out.with_name(out.name.removesuffix(".jsonl.zst"))
    work.mkdir(parents=True, exist_ok=True)
    shown = list(problems) if hints is None else [_hinted(problem, hints) for problem in problems]
    scenario = loaded.scenario.model_copy(
        update={
            "dataset": _written(shown, work / "problems.jsonl"),
            "epochs": samples,
            "seed": loaded.scenario.seed + seed,
        }
    )
    options = RunOptions(
        run_dir=work / "run",
        max_connections=how.max_connections,
        allow_import=how.allow_import,
        allow_code=how.allow_code,
    )
    played = play_to_end(replace(loaded, scenario=scenario), options)
    by_id = {problem.id: problem for problem in problems}
    said = read_transcripts(played)
    write_transcripts(out, (_told(each, by_id[each.problem.id], run, hints) for each in said))


def _told(transcript: Transcript, problem: Problem, run: str, hints: str | None) -> Transcript:
    """With the problem as it was before a hint was added to it; what was written by a hint is informed."""
    changes: dict[str, Any] = {"run": run, "problem": problem}
    if hints is not None:
        informed = (thought.model_copy(update={"informed": True}) for thought in transcript.thoughts)
        changes["thoughts"] = tuple(informed)
    return transcript.model_copy(update=changes)


def _hinted(problem: Problem, hints: str) -> Problem:
    prompts = Prompts(hints, None, ("hint",))
    question = prompts.render("hint", question=problem.question, answer=problem.gold or "")
    return problem.model_copy(update={"question": question})


def _written(problems: Sequence[Problem], file: Path) -> FileSpec:
    """A file of these problems, and how a scenario names it."""
    facts = list(dict.fromkeys(key for problem in problems for key in problem.metadata))
    rows = [
        {key: each.metadata.get(key) for key in facts}
        | {"problem_id": each.id, "problem_question": each.question, "problem_gold": each.gold}
        for each in problems
    ]
    replace_file(file, (orjson.dumps(row) + b"\n" for row in rows))
    return FileSpec(
        path=file.absolute(),
        id="problem_id",
        question="problem_question",
        answer="problem_gold",
        scorer=problems[0].scorer,
        metadata=tuple(facts),
    )
