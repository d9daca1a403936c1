"""Asks a reasoning model for whole solutions of a scenario's problems, and scores their answers; resumable.

STILL-2's imitation phase: long thoughts of a reasoning model, several for each problem, of which those with a right
answer are kept. Departure: which are long, varied or clean enough is for the corpus's own filters to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from longthought.agents.calls import digest_of, outside, sample
from longthought.agents.errors import ContextLengthError, RefusedError, RewardError, UsageError
from longthought.agents.models.contract import Message, Model, Reply, Sampling
from longthought.agents.problems import hash_problems
from longthought.agents.prompts import Prompts
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Scorer
from longthought.agents.seats.solver import MAX_TOKENS, PARTS
from longthought.protocols.runner import Assignment, assignments
from longthought.scenarios.build import build
from longthought.scenarios.jobs import Job, Row, do_jobs, take_work, write_rows
from longthought.scenarios.load import load_scenario
from longthought.scenarios.preflight import check_servers
from longthought.scenarios.problem_source import problems_of
from longthought.synth.imports.thought_in_text import parted


@dataclass(frozen=True, slots=True)
class DistilOptions:
    """What is asked for and how; see ``longthought distil --help``."""

    out: Path
    sets: tuple[str, ...] = ()
    samples: int = 1
    limit: int | None = None
    #: Only rows whose answer is right.
    right_only: bool = False
    prompts: str | None = None
    max_at_once: int = 64
    allow_import: bool = False
    allow_code: bool = False


@dataclass(frozen=True, slots=True)
class Distilled:
    """What came of it: all samples, those with a right answer, those with a thought, and the rows in the file."""

    samples: int
    right: int
    thoughts: int
    written: int
    now: int
    prompt_tokens: int
    completion_tokens: int


async def distil(scenario: str, options: DistilOptions, console: Console | None = None) -> Distilled:
    """Sample whole solutions from the model in the policy's seat.

    Raises:
        UsageError: no such scenario, no model in the policy's seat, or ``out`` holds other work.
        RunError, ModelError: it cannot go on; the same command resumes it.
    """
    loaded = load_scenario(scenario, options.sets)
    seat = loaded.scenario.seats.policy
    if seat.model is None or seat.agent is not None:
        raise UsageError(
            f"{loaded.source}: seats.policy: only a model can be distilled from; name one under 'model'"
        )
    sampling = seat.sampling_of(MAX_TOKENS)
    problems = problems_of(loaded, options.limit, allow_import=options.allow_import)
    built = build(loaded, problems, allow_import=options.allow_import, allow_code=options.allow_code)
    try:
        model = built.engines.get(seat.model)
        prompts = Prompts(options.prompts or "distil", None, PARTS)
        who = (
            built.engines.identity(seat.model),
            sampling,
            prompts.texts,
            options.samples,
            loaded.scenario.seed,
        )
        place = take_work(options.out, digest_of(who, hash_problems(problems)).hex(), "distilled thoughts")
        used = {name: engine for name, engine in built.engines.built.items() if engine is model}
        await check_servers(loaded.scenario.models, used)
        todo = assignments(problems, options.samples, loaded.scenario.seed)
        jobs = (_job(one, model, sampling, prompts, built.parts.scorer) for one in todo)
        total = len(problems) * options.samples
        done = await do_jobs(jobs, total, place, "distil", options.max_at_once, console)
    finally:
        await built.close()
    seen = right = thoughts = 0

    def keep(row: Row) -> bool:
        nonlocal seen, right, thoughts
        seen, right = seen + 1, right + (row["right"] is True)
        thoughts += bool(row["reasoning"])
        return row["right"] is True or not options.right_only

    written = write_rows(place, options.out, keep)
    return Distilled(seen, right, thoughts, written, done.now, done.usage.prompt, done.usage.completion)


def _job(one: Assignment, model: Model, sampling: Sampling, prompts: Prompts, scorer: Scorer) -> Job:
    async def play() -> Row:
        problem = one.problem
        row: Row = {"id": f"{problem.id}#{one.epoch}", "question": problem.question, "gold": problem.gold}
        asked = [Message("user", prompts.render("ask", question=problem.question))]
        try:
            (reply,) = await sample(model, asked, sampling)
        except (ContextLengthError, RefusedError) as error:
            nothing = {"reasoning": "", "response": "", "answer": None, "right": None}
            finish = "context_length" if isinstance(error, ContextLengthError) else "refused"
            return {**row, **nothing, "finish": finish, "model": model.name, "usage": {}}
        reasoning, response = thought_and_response(reply)
        answer = scorer.extract(response)
        # What breaks off may state an answer that it would have taken back.
        right = None if answer is None or reply.finish == "length" else await _right(answer, one, scorer)
        return {
            **row,
            "reasoning": reasoning,
            "response": response,
            "answer": answer,
            "right": right,
            "finish": reply.finish,
            "model": model.name,
            "usage": {"prompt": reply.usage.prompt, "completion": reply.usage.completion},
        }

    return Job(one.number, f"{one.problem.id}#{one.epoch}", one.seed, play)


async def _right(answer: str, one: Assignment, scorer: Scorer) -> bool | None:
    """Whether the answer is right; None where the scorer cannot tell."""

    async def live() -> Row:
        try:
            reading = await scorer.score(answer, one.problem)
        except RewardError as error:
            reading = Reading(reward=scorer.name, why=str(error))
        return {"answer": answer, "reading": reading.model_dump(exclude_defaults=True)}

    data = await outside("scored", answer.encode(), live)
    value = Reading.model_validate(data["reading"]).value
    return None if value is None else value >= 1.0


def thought_and_response(reply: Reply) -> tuple[str, str]:
    """The thought and what follows it: as the server tells them apart, else by tags that models are known to use."""
    if reply.reasoning:
        return reply.reasoning.strip(), reply.text.strip()
    return parted(reply.text)
