"""``longthought train``: corpora to weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longthought.scenarios.cli_help import PlainGroup

app = typer.Typer(
    cls=PlainGroup, help="Train a model on exported corpora.", no_args_is_help=True, rich_markup_mode=None
)

Config = Annotated[Path, typer.Option("--config", help="A YAML file of settings.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a setting: learning_rate=1e-3"),
]


@app.command()
def sft(config: Config, set_: Sets = None) -> None:
    """Supervised fine-tuning, or training from nothing, on journeys, dialogues or any other rows of messages."""
    from longthought.train.settings import SftSettings, load_settings
    from longthought.train.sft import run_sft

    _say(run_sft(load_settings(config, set_ or (), schema=SftSettings)))


@app.command()
def dpo(config: Config, set_: Sets = None) -> None:
    """Direct preference optimisation on pairs of solutions (preference) or of steps (step_preference)."""
    from longthought.train.dpo import run_dpo
    from longthought.train.settings import DpoSettings, load_settings

    _say(run_dpo(load_settings(config, set_ or (), schema=DpoSettings)))


@app.command()
def kto(config: Config, set_: Sets = None) -> None:
    """Kahneman–Tversky optimisation on answers that are good or bad, unpaired (kto)."""
    from longthought.train.kto import run_kto
    from longthought.train.settings import KtoSettings, load_settings

    _say(run_kto(load_settings(config, set_ or (), schema=KtoSettings)))


@app.command()
def grpo(
    config: Config,
    set_: Sets = None,
    allow_import: Annotated[
        bool, typer.Option(help="Import code that the scenario names as module:object.")
    ] = False,
    allow_code: Annotated[
        bool,
        typer.Option(help="Let the scorer unit-tests run code that models write, in a bubblewrap sandbox."),
    ] = False,
) -> None:
    """Group relative policy optimisation on a scenario's problems, whose scorer rewards right answers."""
    from longthought.scenarios.reinforcing import reinforce
    from longthought.train.settings import GrpoSettings, load_settings

    settings = load_settings(config, set_ or (), schema=GrpoSettings)
    _say(reinforce(settings, allow_import=allow_import, allow_code=allow_code))


@app.command()
def prm(config: Config, set_: Sets = None) -> None:
    """A process reward model on step labels: ours, PRM800K's, Math-Shepherd's, …"""
    from longthought.train.reward_model import run_prm
    from longthought.train.settings import PrmSettings, load_settings

    _say(run_prm(load_settings(config, set_ or (), schema=PrmSettings)))


@app.command()
def orm(config: Config, set_: Sets = None) -> None:
    """An outcome reward model on solutions that are known to be right or wrong."""
    from longthought.train.reward_model import run_orm
    from longthought.train.settings import OrmSettings, load_settings

    _say(run_orm(load_settings(config, set_ or (), schema=OrmSettings)))


@app.command()
def critic(config: Config, set_: Sets = None) -> None:
    """A critic: supervised fine-tuning on critic rows, of `tamper` or of `export --kinds critic`."""
    from longthought.train.settings import CriticSettings, load_settings
    from longthought.train.sft import run_sft

    _say(run_sft(load_settings(config, set_ or (), schema=CriticSettings)))


def _say(result: object) -> None:
    from rich.console import Console

    from longthought.scenarios.plain_text import plain

    Console().print(plain(str(result)), soft_wrap=True)
