"""Runs the tamper lab: right solutions in; the same with planted faults, and critic training rows of both, out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import orjson
from rich.console import Console
from rich.progress import Progress as Bar

from longthought.agents.calls import recorder
from longthought.agents.errors import RunError, UsageError
from longthought.agents.prompts import Prompts
from longthought.agents.rewards.contract import Reward
from longthought.agents.seats.context import Context
from longthought.agents.seats.contract import Critic
from longthought.protocols.tape import Tape
from longthought.scenarios.build import build, context_of
from longthought.scenarios.load import Loaded, load_scenario
from longthought.scenarios.problem_source import problems_of
from longthought.synth.corpus.replace_dir import replacing
from longthought.synth.corpus.row_files import RowFiles, sync
from longthought.synth.derive.critic_rows import Objection, critic_row
from longthought.synth.derive.rows import SftRow
from longthought.synth.labelled.published import to_stepwise
from longthought.synth.labelled.read import read_labelled
from longthought.synth.labelled.record import LabelledSolution
from longthought.synth.tamper.fault import Kind
from longthought.synth.tamper.plant import Tampered, right_countdown, tampered
from longthought.train.judging.ask import critic_score, shown

SOLUTIONS = "solutions.jsonl"
COUNTS = "tampered.json"
#: How often a critic is asked about a fault, which is kept if it misses it at least once (CriticGPT, §2.2).
SAMPLES = 3


@dataclass(frozen=True, slots=True)
class TamperOptions:
    """How faults are planted; see ``longthought tamper --help``."""

    out: Path
    kinds: tuple[Kind, ...]
    sets: tuple[str, ...] = ()
    limit: int | None = None
    seed: int = 0
    #: A scenario: its critic is what the rows are for, and with ``missed_only`` what the faults must get past.
    critic_of: str | None = None
    missed_only: bool = False
    objection: Objection = "reflect"
    max_at_once: int = 64


async def tamper(source: str, options: TamperOptions, console: Console | None = None) -> dict[str, int]:
    """Plant faults into the right solutions of a file, or of a Countdown scenario's problems; how many of each kind.

    Raises:
        UsageError: no right solution there, or no fault of these kinds can be planted.
        RunError: the directory cannot be written.
    """
    file = Path(source)
    loaded = None if file.is_file() else load_scenario(source, options.sets)
    rights = _from_file(file, options) if loaded is None else _from_problems(loaded, options)
    critic_of = loaded
    if options.critic_of is not None and options.critic_of != source:
        critic_of = load_scenario(options.critic_of, () if loaded else options.sets)
    made = [(right, list(tampered(right, options.kinds, options.seed))) for right in rights]
    if not any(faults for _, faults in made):
        raise UsageError(f"{source}: no fault of the kinds {', '.join(options.kinds)} fits its solutions")
    if options.missed_only:
        if critic_of is None:
            raise UsageError(
                "--missed-only: name the critic that has to miss them, with --critic-of SCENARIO"
            )
        made = await _missed(made, critic_of, options, console)
    try:
        with replacing(options.out) as partial:
            return _write(
                partial, made, context_of(critic_of) if critic_of else Context(Prompts("default")), options
            )
    except OSError as error:
        raise RunError(f"{options.out}: {error.strerror}") from error


_Made = list[tuple[LabelledSolution, list[Tampered]]]


def _from_file(file: Path, options: TamperOptions) -> list[LabelledSolution]:
    solutions = (one for one in read_labelled(file) if set(one.labels) == {"right"} and one.whole)
    found = list(islice(solutions, options.limit))
    if not found:
        raise UsageError(f"{file}: holds no solution whose steps are all labelled right")
    return found


def _from_problems(loaded: Loaded, options: TamperOptions) -> list[LabelledSolution]:
    try:
        found = [right_countdown(one, options.seed) for one in problems_of(loaded, options.limit)]
    except ValueError as error:
        raise UsageError(
            f"{loaded.source}: {error}; right solutions are made up for Countdown only, others come from a file"
        ) from error
    return [one for one in found if one is not None]


async def _missed(made: _Made, loaded: Loaded, options: TamperOptions, console: Console | None) -> _Made:
    """Only the faults that the critic misses in one of its samples."""
    async with AsyncExitStack() as stack:
        built = build(loaded, [])
        stack.push_async_callback(built.close)
        bar = stack.enter_context(Bar(console=console or Console(stderr=True), transient=True))
        shown = bar.add_task("asking the critic", total=sum(len(faults) for _, faults in made))
        places = asyncio.Semaphore(options.max_at_once)

        async def misses(one: Tampered) -> bool:
            async with places:
                found = await _misses(built.parts.critic, built.parts.injected, one)
            bar.advance(shown)
            return found

        kept = await asyncio.gather(*(asyncio.gather(*(misses(one) for one in faults)) for _, faults in made))
    return [
        (right, [one for one, missed in zip(faults, passed, strict=True) if missed])
        for (right, faults), passed in zip(made, kept, strict=True)
    ]


async def _misses(critic: Critic, injected: Sequence[Reward], one: Tampered) -> bool:
    """Asked several times with seeds of their own, it lets the fault pass at least once."""
    recorder.set(Tape(None, 0, 0))
    path = (await shown(one.solution, injected)).prefix(one.fault.at + 1)
    return 1.0 in [await critic_score(critic, path, 1) for _ in range(SAMPLES)]


def _write(directory: Path, made: _Made, context: Context, options: TamperOptions) -> dict[str, int]:
    counts: Counter[str] = Counter(right=len(made))
    rows = RowFiles(directory / "critic", "train", SftRow, ("jsonl",))
    with (directory / SOLUTIONS).open("wb") as out:
        for right, faults in made:
            labelled: Sequence[tuple[LabelledSolution, str]] = [
                (right, ""),
                *((one.solution, one.fault.why) for one in faults),
            ]
            for solution, why in labelled:
                out.write(orjson.dumps(to_stepwise(solution)) + b"\n")
                row = critic_row(solution, context, problem=right.id, why=why, objection=options.objection)
                if row is not None:
                    rows.write(row)
            counts.update(one.fault.kind for one in faults)
        out.flush()
        sync(directory / SOLUTIONS)
    rows.close()
    (directory / COUNTS).write_bytes(orjson.dumps(counts, option=orjson.OPT_INDENT_2))
    sync(directory / COUNTS)
    return dict(counts)
