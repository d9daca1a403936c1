"""Runs a scenario: problems in, a run directory with journal, manifest and packed transcripts out."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from longthought.agents.calls import RetryPolicy, retry_policy
from longthought.agents.errors import LongthoughtError, RunError
from longthought.agents.problems import Problem
from longthought.protocols.outcomes import Outcome
from longthought.protocols.runner import Assignment, Progress, assignments, run_debates
from longthought.protocols.transcript_files import pack
from longthought.protocols.tree import Tree
from longthought.scenarios.build import Built, build
from longthought.scenarios.interrupts import Interrupts
from longthought.scenarios.live import Display, Meter
from longthought.scenarios.load import Loaded
from longthought.scenarios.manifest import Manifest, Status, identity_of, new_manifest, read_manifest
from longthought.scenarios.passports import check_passport
from longthought.scenarios.preflight import check_open_files, check_servers
from longthought.scenarios.problem_source import problems_of
from longthought.scenarios.run_dir import OpenRun, close_run, open_run
from longthought.scenarios.tally import Tally

#: Seconds that engines get to close.
_CLOSING = 5.0


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is made; nothing here changes what it says.

    Attributes:
        run_dir: ``runs/<name>`` unless given.
        limit: at most so many problems.
        max_connections: debates in flight.
        max_retry_after: longest pause in seconds that a server may ask for.
        attempt_timeout: seconds, instead of what the scenario says.
        allow_import: import code that the scenario names as ``module:object``.
        allow_code: let a scorer run code that models write, in a sandbox.
    """

    run_dir: Path | None = None
    limit: int | None = None
    resume: bool = False
    force_new: bool = False
    max_connections: int = 64
    max_retry_after: float = 600.0
    attempt_timeout: float | None = None
    allow_import: bool = False
    allow_code: bool = False


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended, short of an error."""

    run_dir: Path
    status: Status
    progress: Progress


async def run_scenario(
    loaded: Loaded, options: RunOptions | None = None, console: Console | None = None
) -> RunResult:
    """Play the scenario's debates. Progress is shown on ``console`` (standard error unless given).

    A first SIGINT or SIGTERM cancels (status ``cancelled``, to be resumed), a second ends the process.

    Raises:
        UsageError: scenario, options or run directory are not as they must be. Nothing was asked or written.
        RunError, ModelError: the run cannot go on; what was journalled stays and can be resumed.
    """
    options = options or RunOptions()
    problems = problems_of(loaded, options.limit, allow_import=options.allow_import)
    built = build(
        loaded,
        problems,
        allow_import=options.allow_import,
        allow_code=options.allow_code,
        attempt_timeout=options.attempt_timeout,
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_close, built)
        check_open_files(options.max_connections)
        run_dir = run_dir_of(loaded, options)
        models = {name: model.name for name, model in built.engines.built.items()}
        passport = check_passport(loaded, built)
        identities = {name: built.engines.identity(name) for name in models}
        identity = identity_of(loaded, built.prompts)
        manifest = new_manifest(loaded, identity, problems, models, identities, passport)
        if not _nothing_left(run_dir, manifest, options):
            await check_servers(loaded.scenario.models, built.engines.built)
        run = stack.enter_context(
            open_run(run_dir, manifest, problems, resume=options.resume, force_new=options.force_new)
        )
        return await _play(run, built, problems, loaded, options, console)


def play_to_end(loaded: Loaded, options: RunOptions) -> Path:
    """The scenario's whole run, for those who go on with what it leaves; begun before, it is gone on with.

    Raises:
        RunError: it was cancelled; the same again resumes it. Else as ``run_scenario``.
    """
    result = asyncio.run(run_scenario(loaded, replace(options, resume=True)))
    if result.status != "finished":
        raise RunError(f"{result.run_dir}: {result.status}; the same command goes on with it")
    return result.run_dir


def run_dir_of(loaded: Loaded, options: RunOptions) -> Path:
    """Where the run goes."""
    return options.run_dir or Path("runs") / loaded.scenario.name


async def _play(
    run: OpenRun,
    built: Built,
    problems: list[Problem],
    loaded: Loaded,
    options: RunOptions,
    console: Console | None,
) -> RunResult:
    scenario = loaded.scenario
    progress = Progress(total=len(problems) * scenario.epochs)
    meter = Meter(progress, built.parts.prices, tally=Tally("critic" in scenario.sitting))

    def on_closed(assignment: Assignment, tree: Tree, outcome: Outcome) -> None:
        meter.spend(tree.tape.usage)
        meter.tally.add(tree, outcome)

    retry_policy.set(RetryPolicy(max_retry_after=options.max_retry_after))
    todo = assignments(problems, scenario.epochs, scenario.seed)
    playing = asyncio.ensure_future(
        run_debates(
            todo,
            built.protocol,
            run.journal,
            options.max_connections,
            progress,
            on_closed,
            scenario.protocol,
        )
    )
    status: Status = "failed"
    error = ""
    with Interrupts(playing) as interrupts:
        try:
            async with Display(meter, console):
                await playing
            pack(run.path)
            status = "finished"
        except asyncio.CancelledError:
            status = "cancelled"
            if not interrupts.seen:
                raise
        except OSError as failure:
            error = f"{run.path}: {failure.strerror}; the journal is whole, free space and --resume"
            raise RunError(error) from failure
        except Exception as failure:
            error = str(failure) if isinstance(failure, LongthoughtError) else repr(failure)
            raise
        finally:
            # What ended the run is what the user is to hear of, not that the disk is too full to note it.
            with suppress(RunError) if status == "failed" else nullcontext():
                close_run(run, status, error)
    return RunResult(run.path, status, progress)


def _nothing_left(run_dir: Path, new: Manifest, options: RunOptions) -> bool:
    """A finished run of at least these debates asks nobody again, so nobody need be there."""
    old = read_manifest(run_dir)
    return (
        options.resume
        and old is not None
        and old.status == "finished"
        and old.identity == new.identity
        and old.debates >= new.debates
    )


async def _close(built: Built) -> None:
    try:
        await asyncio.wait_for(built.close(), _CLOSING)
    except TimeoutError:
        return
