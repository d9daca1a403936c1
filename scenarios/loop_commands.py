"""The commands of a loop, done by this package's own: run, export, perplexity and train, each a stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from longthought.agents.errors import UsageError
from longthought.agents.models.local_weights import local_directory, weights_digest
from longthought.agents.problems import Problem, ProblemKey, hash_problems
from longthought.agents.prompts import Prompts
from longthought.protocols.transcript import LONG_THOUGHT, Transcript
from longthought.protocols.transcript_files import read_transcripts, write_transcripts
from longthought.scenarios.loop_asking import How, ask, seated
from longthought.scenarios.loop_problems import Problems, check_base, check_unseen, load_problems
from longthought.scenarios.loop_stages import Stages
from longthought.synth.clean.filters import filters as named_filters
from longthought.synth.corpus.export import export
from longthought.synth.corpus.manifest import read_manifest
from longthought.synth.corpus.row_files import Format
from longthought.synth.derive.kinds import asked_kinds
from longthought.train.loops.commands import Model, Seat
from longthought.train.loops.settings import (
    CotrainSettings,
    ExploreSettings,
    LoopSettings,
    Rows,
    StarSettings,
)
from longthought.train.settings import DpoSettings, FromScratch, SftSettings
from longthought.train.starting_point import model_source

#: The prompt set with STaR's hint.
HINTS = "star"

#: Trains as the settings say, and leaves the model at their ``out``, whole or not at all.
Trainer = Callable[[SftSettings | DpoSettings], object]


def train_here(settings: SftSettings | DpoSettings) -> object:
    """``train sft`` or ``train dpo`` in this process."""
    if isinstance(settings, DpoSettings):
        from longthought.train.dpo import run_dpo

        return run_dpo(settings)
    from longthought.train.sft import run_sft

    return run_sft(settings)


def _asked_for(
    rows: Sequence[Rows], perplexities: Path | None
) -> tuple[list[str], dict[str, dict[str, Any]]]:
    """The kinds as ``export`` is asked for them, each under a name of its own, and their options by these names."""
    names = [f"{row.kind}-{place}" if place else row.kind for place, row in enumerate(rows)]
    options = [
        {**row.options, "perplexities": str(perplexities)} if row.needs_perplexities else row.options
        for row in rows
    ]
    kinds = [f"{name}={row.kind}" for name, row in zip(names, rows, strict=True)]
    return kinds, dict(zip(names, options, strict=True))


def _longer(settings: SftSettings | DpoSettings, times: float) -> SftSettings | DpoSettings:
    """The training, and each of its phases, so many times as long."""
    steps = None if settings.max_steps is None else round(settings.max_steps * times)
    changes: dict[str, Any] = {"epochs": settings.epochs * times, "max_steps": steps}
    if isinstance(settings, SftSettings):
        changes["phases"] = [_longer(phase, times) for phase in settings.phases]
    return settings.model_copy(update=changes)


class LoopCommands:
    """See ``train.loops.commands.Commands``.

    Raises:
        UsageError: a scenario or its problems cannot be had, or problems to learn from are among those held out.
    """

    def __init__(
        self, settings: LoopSettings, how: How, trainer: Trainer, stages: Callable[[dict[str, Any]], Stages]
    ) -> None:
        self._settings, self._how, self._trainer = settings, how, trainer
        self._asked = load_problems(settings.problems, how)
        self._held_out = load_problems(settings.evaluation, how) if settings.evaluation else None
        self._seeds = settings.seeds if isinstance(settings, ExploreSettings) else None
        asked_first = self._seeds.asked if self._seeds else None
        self._shown = load_problems(asked_first, how) if asked_first else None
        self.problems: Sequence[Problem] = self._asked.problems
        for seen in (self._asked, self._shown):
            if seen is not None:
                check_unseen(seen.problems, seen.loaded.source, self._held_out)
        for base in (settings.model, getattr(settings, "critic", None)):
            if isinstance(base, str):
                model_source(base)
                if self._held_out is not None:
                    check_base(base, self._held_out, how)
        trained = self._trained_seats()
        if isinstance(settings, StarSettings) and settings.rationalise:
            Prompts(settings.hints or HINTS, None, ("hint",))
        self._check_rows()
        every = {"problems": self._asked, "evaluation": self._held_out, "seeds": self._shown}
        there = {name: one for name, one in every.items() if one is not None}
        identity = {
            # More rounds are the same loop, gone on with; and how it trains, each training knows for itself.
            "settings": settings.model_dump(mode="json", exclude={"rounds", "sft", "dpo"}),
            "asked": {name: one.identity for name, one in there.items()},
            "prompts": {name: one.prompts for name, one in there.items()},
            "models": {
                name: one.others(() if one is self._shown else trained) for name, one in there.items()
            },
        }
        self.stages = stages(identity)

    def _trained_seats(self) -> tuple[Seat, ...]:
        """The seats whose models this loop trains, which can sit wherever it asks."""
        trained: tuple[Seat, ...] = ("policy",)
        scenario = self._asked.loaded.scenario
        if isinstance(self._settings, CotrainSettings):
            trained = ("policy", "critic")
            if "critic" not in scenario.sitting:
                raise UsageError(
                    f"{self._asked.loaded.source}: protocol: a policy and a critic need a debate, "
                    f"and a {scenario.protocol} asks no critic; add protocol=debate to problems.set"
                )
        for whom in (self._asked, self._held_out):
            if whom is not None:
                seated(whom.loaded, dict.fromkeys(trained, ("", "")))
        return trained

    def _check_rows(self) -> None:
        """Complains now of what the first export would complain of, after hours of asking."""
        for key in ("rows", "critic_rows", "pairs"):
            given = getattr(self._settings, key, ())
            asked_kinds(*_asked_for([given] if isinstance(given, Rows) else given, Path(key)))
        named_filters(self._settings.filters)

    # --- asking -----------------------------------------------------------------------------------------------

    def ask(
        self,
        name: str,
        seats: Mapping[Seat, Model],
        problems: Sequence[Problem],
        samples: int,
        seed: int,
        *,
        hinted: bool = False,
    ) -> Path:
        hints: str | None = None
        if hinted:
            assert isinstance(self._settings, StarSettings)
            hints = self._settings.hints or HINTS
            problems = [problem for problem in problems if problem.gold is not None]
        return self._ask(name, self._asked, seats, problems, samples, seed, hints)

    def evaluate(self, name: str, seats: Mapping[Seat, Model]) -> Path | None:
        held_out = self._held_out
        if held_out is None or any(isinstance(model, FromScratch) for model in seats.values()):
            return None
        epochs = held_out.loaded.scenario.epochs
        return self._ask(name, held_out, seats, held_out.problems, epochs, 0, None)

    def seeds(self, name: str) -> Path:
        assert self._seeds is not None
        if self._shown is None:
            assert self._seeds.transcripts is not None
            source = self._seeds.transcripts
            problems = {each.problem.key: each.problem for each in read_transcripts(source)}
            check_unseen(list(problems.values()), str(source), self._held_out)
            return self.gather(name, [source], right_only=False)
        return self._ask(name, self._shown, {}, self._shown.problems, self._seeds.samples, 0, None)

    def _ask(
        self,
        name: str,
        whom: Problems,
        seats: Mapping[Seat, Model],
        problems: Sequence[Problem],
        samples: int,
        seed: int,
        hints: str | None,
    ) -> Path:
        out = self._place(f"{name}.jsonl.zst")
        inputs = {
            "seats": {seat: self._model_digest(model) for seat, model in seats.items()},
            "problems": hash_problems(problems),
            "samples": samples,
            "seed": seed,
            "hints": Prompts(hints, None, ("hint",)).texts if hints else None,
        }
        placed: dict[Seat, tuple[str, str]] = {
            seat: (self._weights(model), self._called(model)) for seat, model in seats.items()
        }
        loaded = seated(whom.loaded, placed)
        return self.stages.do(
            name,
            out,
            inputs,
            lambda: ask(
                loaded,
                problems,
                out,
                name.replace("/", "-"),
                self._how,
                samples=samples,
                seed=seed,
                hints=hints,
            ),
        )

    # --- corpora ----------------------------------------------------------------------------------------------

    def gather(self, name: str, sources: Sequence[Path], *, right_only: bool) -> Path:
        out = self._place(f"{name}.jsonl.zst")

        def make() -> None:
            by_problem: dict[ProblemKey, list[Transcript]] = {}
            for source in sources:
                for each in read_transcripts(source):
                    if each.right or not right_only:
                        by_problem.setdefault(each.problem.key, []).append(each)
            write_transcripts(out, (each for samples in by_problem.values() for each in samples))

        inputs = {"sources": [self.stages.digest_of(source) for source in sources], "right_only": right_only}
        return self.stages.do(name, out, inputs, make)

    def export(self, name: str, source: Path, rows: Sequence[Rows], model: Model) -> Path:
        measured: Path | None = None
        if any(kind.needs_perplexities for kind in rows):
            measured = self._perplexities(f"{name}-perplexities", source, model)
        names, options = _asked_for(rows, measured)
        out = self._place(name)
        inputs = {
            "source": self.stages.digest_of(source),
            "rows": [row.model_dump(mode="json") for row in rows],
            "perplexities": self.stages.digest_of(measured) if measured else None,
        }
        formats: tuple[Format, ...] = ("jsonl",)
        licence = getattr(self._asked.loaded.scenario.dataset, "licence", None)

        def make() -> None:
            export(
                source,
                out,
                names,
                formats,
                options=options,
                filters=self._settings.filters,
                include_informed=isinstance(self._settings, StarSettings) and self._settings.rationalise,
                licences=[licence] if licence else [],
            )

        return self.stages.do(name, out, inputs, make)

    def _perplexities(self, name: str, source: Path, model: Model) -> Path:
        from longthought.train.perplexity import measure_perplexities

        if isinstance(model, FromScratch):
            raise UsageError(
                "rows: go by perplexities, and random weights have none; name a base under 'model'"
            )
        out = self._place(f"{name}.jsonl")
        inputs = {"source": self.stages.digest_of(source), "model": self._model_digest(model)}
        called = self._called(model)
        return self.stages.do(
            name, out, inputs, lambda: measure_perplexities(source, out, str(model), called=called)
        )

    def rows(self, seat: Literal["policy", "critic", "both"]) -> Sequence[Rows]:
        scenario, base_dir = self._asked.loaded.scenario, self._asked.loaded.base_dir
        if scenario.protocol == LONG_THOUGHT:
            return (Rows(kind="journey"),)
        own = base_dir / scenario.prompts
        shown = {"context": scenario.context, "prompts": str(own) if own.is_dir() else scenario.prompts}
        if seat == "critic":
            return (Rows(kind="critic", options=shown),)
        return (Rows(kind="dialogue", options={**shown, "seats": seat}),)

    # --- training ---------------------------------------------------------------------------------------------

    def train(
        self, name: str, how: Literal["sft", "dpo"], start: Model, corpus: Path, longer: float = 1.0
    ) -> Path:
        out = self._place(name)
        schema = SftSettings if how == "sft" else DpoSettings
        said: dict[str, Any] = getattr(self._settings, how)
        kinds = [kind for kind, counts in read_manifest(corpus).kinds.items() if counts.rows.get("train")]
        settings = schema.model_validate(
            {
                **said,
                "model": start if isinstance(start, FromScratch) else str(start),
                "corpora": [{"path": corpus, "kind": kind} for kind in kinds],
                "out": out,
                # What is there was left by a process that was killed: this place is the loop's own.
                "overwrite": True,
                "earlier": "resume",
            }
        )
        settings = _longer(settings, longer)
        inputs = {
            "how": how,
            "start": self._model_digest(start),
            "corpus": self.stages.digest_of(corpus),
            "settings": {**said, "epochs": settings.epochs, "max_steps": settings.max_steps},
        }
        return self.stages.do(name, out, inputs, lambda: self._trainer(settings))

    # --- models and places ------------------------------------------------------------------------------------

    def _place(self, name: str) -> Path:
        place = self.stages.out / name
        place.parent.mkdir(exist_ok=True)
        return place

    def _model_digest(self, model: Model) -> Any:
        if isinstance(model, Path):
            return self.stages.digest_of(model)
        if isinstance(model, FromScratch):
            return model.model_dump(mode="json")
        return weights_digest(local_directory(model_source(model)))

    @staticmethod
    def _weights(model: Model) -> str:
        """Where an engine finds it: a directory wherever the scenario lies, or a name."""
        assert not isinstance(model, FromScratch)  # nobody asks random weights
        return str(Path(model).expanduser().absolute()) if Path(model).is_dir() else str(model)

    def _called(self, model: Model) -> str:
        # Never the whole path: requests and corpora are keyed by it, and a loop elsewhere is to make the same.
        return str(model.relative_to(self.stages.out)) if isinstance(model, Path) else str(model)
