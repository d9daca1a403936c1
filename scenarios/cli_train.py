"""``longthought train``: corpora to weights."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from longthought.agents.errors import UsageError
from longthought.scenarios.cli_help import PlainGroup

app = typer.Typer(
    cls=PlainGroup, help="Train a model on exported corpora.", no_args_is_help=True, rich_markup_mode=None
)

Config = Annotated[Path, typer.Option("--config", help="A YAML file of settings.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a setting: learning_rate=1e-3"),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint, if there is one.")]
ForceNew = Annotated[
    bool, typer.Option("--force-new", help="Move earlier checkpoints aside and start again.")
]
ReportTo = Annotated[
    str | None,
    typer.Option("--report-to", metavar="NAMES", help="trackio, tensorboard, wandb; with commas between."),
]
AccelerateConfig = Annotated[
    str | None,
    typer.Option(
        "--accelerate-config", metavar="NAME", help="Several processes: ddp, fsdp2, zero3, cpu2, or a file."
    ),
]
Processes = Annotated[
    int | None, typer.Option("--processes", min=1, help="How many, with --accelerate-config.")
]

#: A trainer's settings, and what trains by them and returns the model's directory.
Trainer = tuple[type[Any], Callable[[Any], Path]]


def sft() -> Trainer:
    """Supervised fine-tuning, or training from nothing, on journeys, dialogues or any other rows of messages."""
    from longthought.train.settings import SftSettings
    from longthought.train.sft import run_sft

    return SftSettings, run_sft


def dpo() -> Trainer:
    """Direct preference optimisation on pairs of solutions (preference) or of steps (step_preference)."""
    from longthought.train.dpo import run_dpo
    from longthought.train.settings import DpoSettings

    return DpoSettings, run_dpo


def kto() -> Trainer:
    """Kahneman–Tversky optimisation on answers that are good or bad, unpaired (kto)."""
    from longthought.train.kto import run_kto
    from longthought.train.settings import KtoSettings

    return KtoSettings, run_kto


def prm() -> Trainer:
    """A process reward model on step labels: ours, PRM800K's, Math-Shepherd's, …"""
    from longthought.train.reward_model import run_prm
    from longthought.train.settings import PrmSettings

    return PrmSettings, run_prm


def orm() -> Trainer:
    """An outcome reward model on solutions that are known to be right or wrong."""
    from longthought.train.reward_model import run_orm
    from longthought.train.settings import OrmSettings

    return OrmSettings, run_orm


def critic() -> Trainer:
    """A critic: supervised fine-tuning on critic rows, of `tamper` or of `export --kinds critic`."""
    from longthought.train.settings import CriticSettings
    from longthought.train.sft import run_sft

    return CriticSettings, run_sft


def _add(name: str, trainer: Callable[[], Trainer]) -> None:
    def command(
        config: Config,
        set_: Sets = None,
        resume: Resume = False,
        force_new: ForceNew = False,
        report_to: ReportTo = None,
        accelerate_config: AccelerateConfig = None,
        processes: Processes = None,
    ) -> None:
        overrides = _overrides(set_, resume, force_new, report_to)
        _play([name], trainer(), config, overrides, accelerate_config, processes)

    app.command(name, help=trainer.__doc__)(command)


for _trainer in (sft, dpo, kto, prm, orm, critic):
    _add(_trainer.__name__, _trainer)


@app.command()
def grpo(
    config: Config,
    set_: Sets = None,
    resume: Resume = False,
    force_new: ForceNew = False,
    report_to: ReportTo = None,
    accelerate_config: AccelerateConfig = None,
    processes: Processes = None,
    allow_import: Annotated[
        bool, typer.Option("--allow-import", help="Import code that the scenario names as module:object.")
    ] = False,
    allow_code: Annotated[
        bool,
        typer.Option(
            "--allow-code",
            help="Let the scorer unit-tests run code that models write, in a bubblewrap sandbox.",
        ),
    ] = False,
) -> None:
    """Group relative policy optimisation on a scenario's problems, whose scorer rewards right answers."""
    from longthought.scenarios.reinforcing import reinforce
    from longthought.train.settings import GrpoSettings

    allowed = {"--allow-import": allow_import, "--allow-code": allow_code}
    command = ["grpo", *(option for option, given in allowed.items() if given)]
    trainer = (GrpoSettings, partial(reinforce, allow_import=allow_import, allow_code=allow_code))
    overrides = _overrides(set_, resume, force_new, report_to)
    _play(command, trainer, config, overrides, accelerate_config, processes)


def _overrides(sets: list[str] | None, resume: bool, force_new: bool, report_to: str | None) -> list[str]:
    """What the options say, as settings."""
    if resume and force_new:
        raise UsageError("--resume goes on and --force-new starts again; give one of them")
    return [
        *(sets or ()),
        *(["earlier=resume"] if resume else []),
        *(["earlier=set-aside"] if force_new else []),
        *([f"report_to={report_to}"] if report_to else []),
    ]


def _play(
    command: list[str],
    trainer: Trainer,
    config: Path,
    overrides: list[str],
    accelerate_config: str | None,
    processes: int | None,
) -> None:
    """Train here, or have accelerate start the same command in several processes."""
    if accelerate_config is not None:
        _launch(command, trainer, config, overrides, accelerate_config, processes)
    elif processes:
        raise UsageError("--processes goes with --accelerate-config, which says what kind they are")
    else:
        _train(trainer, config, overrides)


def _train(trainer: Trainer, config: Path, overrides: list[str]) -> None:
    from longthought.train.processes import is_main
    from longthought.train.settings import load_settings

    schema, run = trainer
    made = run(load_settings(config, overrides, schema=schema))
    if is_main():
        _say(made)


def _launch(
    command: list[str],
    trainer: Trainer,
    config: Path,
    overrides: list[str],
    accelerate_config: str,
    processes: int | None,
) -> None:
    from longthought.scenarios.accelerated import launch
    from longthought.train.settings import load_settings

    # What is wrong with the settings is said before any process is started.
    load_settings(config, overrides, schema=trainer[0])
    sets = [part for override in overrides for part in ("--set", override)]
    if code := launch(accelerate_config, processes, ["train", *command, "--config", str(config), *sets]):
        sys.exit(code)


def _say(made: Path) -> None:
    import orjson
    from rich.console import Console

    from longthought.scenarios.plain_text import plain

    measured = orjson.loads((made / "training.json").read_bytes())
    speed = "{tokens_seen:,} tokens in {seconds:,} s, {tokens_per_second:,} a second".format(**measured)
    Console().print(plain(f"{speed}\n{made}"), soft_wrap=True)
