"""``longthought train``: corpora to weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Train a model on exported corpora.", no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", help="A YAML file of settings.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a setting: learning_rate=1e-3"),
]


@app.command()
def sft(config: Config, set_: Sets = None) -> None:
    """Supervised fine-tuning, or training from nothing, on shortcut, journey, dialogue or critic rows."""
    from longthought.train.settings import SftSettings, load_settings
    from longthought.train.sft import run_sft

    _say(run_sft(load_settings(config, set_ or (), schema=SftSettings)))


@app.command()
def dpo(config: Config, set_: Sets = None) -> None:
    """Direct preference optimisation on preference pairs."""
    from longthought.train.dpo import run_dpo
    from longthought.train.settings import DpoSettings, load_settings

    _say(run_dpo(load_settings(config, set_ or (), schema=DpoSettings)))


@app.command("step-scorer")
def step_scorer(config: Config, set_: Sets = None) -> None:
    """A classifier of steps on step labels: a process reward model."""
    from longthought.train.settings import StepScorerSettings, load_settings
    from longthought.train.step_scorer import run_step_scorer

    _say(run_step_scorer(load_settings(config, set_ or (), schema=StepScorerSettings)))


def _say(result: object) -> None:
    from rich.console import Console

    from longthought.scenarios.plain_text import plain

    Console().print(plain(str(result)), soft_wrap=True)
