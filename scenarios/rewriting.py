"""Has a model rewrite a run's journeys, each held against its draft; resumable, to a file for the journeys' export."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from longthought.agents.calls import digest_of
from longthought.agents.errors import UsageError
from longthought.agents.first_error import first_error
from longthought.agents.problems import Problem
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.engines import Engines
from longthought.scenarios.jobs import Job, Row, do_jobs, take_work, write_rows
from longthought.scenarios.load import Loaded, load_scenario, settings
from longthought.scenarios.preflight import check_servers
from longthought.scenarios.seat_spec import SeatSpec
from longthought.scenarios.show import run_path
from longthought.synth.derive.intake import taken_in
from longthought.synth.derive.journey import Journey
from longthought.synth.rewrite.rewriter import Mode, Rewriter, rewriter_prompts
from longthought.synth.rewrite.rewrites import draft_digest
from longthought.synth.telling.pieces import Piece

#: Tokens of a rewrite, unless the seat says otherwise: a thought is longer than a step.
MAX_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class RewriteOptions:
    """What is rewritten, by whom and how; see ``longthought rewrite --help``."""

    out: Path
    scenario: str
    sets: tuple[str, ...] = ()
    mode: Mode = "smooth"
    #: Of the journeys: ``order=dfs``.
    options: tuple[str, ...] = ()
    limit: int | None = None
    asks: int = 2
    #: Also what an export takes in only when asked to.
    include_informed: bool = False
    include_suspects: bool = False
    prompts: str | None = None
    max_at_once: int = 64
    allow_import: bool = False


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What came of it: the thoughts in the file, those that were kept, what was done now, and its tokens."""

    thoughts: int
    kept: int
    now: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class _Draft:
    id: str
    problem: Problem
    pieces: list[Piece]
    answer: str


async def rewrite(run: str, options: RewriteOptions, console: Console | None = None) -> Rewritten:
    """Rewrite the journeys of a run by the scenario's ``seats.rewriter``.

    Raises:
        UsageError: no such run or scenario, no rewriter in it, no journey to tell, or ``out`` holds other work.
        RunError, ModelError: it cannot go on; the same command resumes it.
    """
    journey = _journey(options)
    loaded = load_scenario(options.scenario, options.sets)
    seat = _seat(loaded)
    engines = Engines(loaded.scenario.models, loaded.base_dir, allow_import=options.allow_import)
    try:
        model = engines.get(seat.model or "")
        prompts = rewriter_prompts(options.prompts)
        rewriter = Rewriter(model, seat.sampling_of(MAX_TOKENS), prompts, options.mode, options.asks)
        names = blake2b(digest_size=16)
        total = 0
        for draft in _drafts(run, journey, options):
            # The prompt holds the question beside the draft.
            question = draft.problem.question
            names.update(digest_of(draft.id, question, draft_digest(draft.pieces, draft.answer)))
            total += 1
        if not total:
            raise UsageError(f"{run}: no journey to rewrite; solved debates have one")
        who = (
            engines.identity(seat.model or ""),
            rewriter.sampling,
            prompts.texts,
            options.mode,
            options.asks,
            loaded.scenario.seed,
        )
        place = take_work(options.out, digest_of(who, names.hexdigest()).hex(), "rewrites")
        await check_servers(loaded.scenario.models, engines.built)
        jobs = (
            _job(number, draft, rewriter, loaded.scenario.seed)
            for number, draft in enumerate(_drafts(run, journey, options))
        )
        done = await do_jobs(jobs, total, place, "rewriter", options.max_at_once, console)
    finally:
        await engines.close()
    kept = 0

    def count(row: Row) -> bool:
        nonlocal kept
        kept += bool(row["kept"])
        return True

    thoughts = write_rows(place, options.out, count)
    return Rewritten(thoughts, kept, done.now, done.usage.prompt, done.usage.completion)


def _job(number: int, draft: _Draft, rewriter: Rewriter, seed: int) -> Job:
    async def play() -> Row:
        found = await rewriter.rewrite(draft.id, draft.problem.question, draft.pieces, draft.answer)
        return {**found.model_dump(mode="json"), "mode": rewriter.mode, "model": rewriter.model.name}

    return Job(number, draft.id, seed, play)


def _drafts(run: str, journey: Journey, options: RewriteOptions) -> Iterator[_Draft]:
    """The thoughts that an export tells, as it tells them: no special token is left in their texts."""
    told = 0
    for read in read_transcripts(run_path(run)):
        if options.limit is not None and told >= options.limit:
            return
        taken = taken_in(read, informed=options.include_informed, suspects=options.include_suspects)
        draft = journey.draft(taken) if isinstance(taken, Transcript) else None
        if isinstance(taken, Transcript) and isinstance(draft, tuple):
            told += 1
            yield _Draft(taken.id, taken.problem, *draft)


def _journey(options: RewriteOptions) -> Journey:
    try:
        return Journey.model_validate(settings(options.options, "--option", "order=dfs"))
    except ValidationError as error:
        raise UsageError(f"--option {first_error(error)}") from error


def _seat(loaded: Loaded) -> SeatSpec:
    seat = loaded.scenario.seats.rewriter
    if seat is None:
        there = next(iter(loaded.scenario.models), "NAME")
        raise UsageError(
            f"{loaded.source}: seats.rewriter: is missing; name a model there, or add "
            f"--set seats.rewriter.model={there}"
        )
    if seat.model is None or seat.agent is not None:
        raise UsageError(f"{loaded.source}: seats.rewriter: is a model's seat; name one under 'model'")
    return seat
