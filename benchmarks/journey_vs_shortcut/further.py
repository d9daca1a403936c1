"""What comes after SFT: DPO on the journey model by two recipes, three rounds of STaR and three of exploring.

    python -m benchmarks.journey_vs_shortcut.further --model 1m

Every loop is asked for its accuracy on the unseen problems of the experiment, greedily, before and after each round.
All is kept in ``out/journey/loops`` and gone on with; the figures go to ``results/journey_vs_shortcut_further.json``.

- ``dpo random``: 20 samples a question, 5 random right ones against 5 random wrong ones (O1-Journey part 1). Both DPOs
  ask puzzles that the model has been trained on, as the papers do.
- ``dpo perplexity``: right samples that surprise the model most against wrong ones that do least, the thought alone,
  with an SFT term (STILL-2).
- ``star``: from the base, which keeps what it solves. No rationalisation: a model of this size reads no hints.
- ``explore``: imitates 2,000 of the experiment's debates, then tries what is still unsolved (STILL-2).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.journey_vs_shortcut.base import base
from benchmarks.journey_vs_shortcut.cell import alone, play
from benchmarks.journey_vs_shortcut.plan import (
    EPOCHS,
    GENTLER,
    LEARNING_RATE,
    OUT,
    PROBLEMS,
    SIZES,
    TRAINING,
    Cell,
)
from benchmarks.journey_vs_shortcut.puzzles import Share
from benchmarks.journey_vs_shortcut.report import print_table
from benchmarks.journey_vs_shortcut.trees import searching
from benchmarks.result_file import write_result
from longthought.scenarios.loop_asking import How
from longthought.scenarios.looping import LOOPS, play_loop

ROUNDS = 3


def asked(share: Share, limit: int, temperature: float) -> dict[str, Any]:
    """The puzzles of a share, asked of a model by itself."""
    return {"scenario": "countdown", "set": alone("embedded", share, temperature), "limit": limit}


def loops(model: str, seed: int = 1) -> dict[str, tuple[str, dict[str, Any]]]:
    """By what it is called: the loop and its settings."""
    journey = str(OUT / "models" / _journey(model, seed).name)
    sft = {**TRAINING, "learning_rate": LEARNING_RATE[model] * GENTLER[2000], "epochs": EPOCHS[2000]}
    dpo = {**TRAINING, "learning_rate": LEARNING_RATE[model] / 100, "beta": 0.1}
    shared = {"evaluation": asked("unseen", PROBLEMS, 0.0)}
    aligned = shared | {"model": journey, "rounds": 1, "samples": 20, "problems": asked("trees", 500, 0.7)}
    learned = shared | {"model": str(base(model)), "rounds": ROUNDS, "sft": sft}
    by_perplexity = {"kind": "preference", "options": {"by": "perplexity", "part": "thought"}}
    return {
        "dpo random": ("dpo", aligned | {"rows": [{"kind": "preference"}], "dpo": dpo}),
        "dpo perplexity": ("dpo", aligned | {"rows": [by_perplexity], "dpo": dpo | {"sft_weight": 0.1}}),
        "star": (
            "star",
            learned | {"problems": asked("trees", 2000, 0.7), "rationalise": False, "samples": 4},
        ),
        "explore": (
            "explore",
            learned
            | {
                "seeds": {
                    "asked": {
                        "scenario": "countdown-teacher",
                        "set": list(searching()),
                        "limit": 2000,
                    }
                },
                "problems": asked("trees", 4000, 0.7),
                "samples": 4,
            },
        ),
    }


def _journey(model: str, seed: int) -> Cell:
    return Cell(model, "journey", SIZES[-1], "examples", seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="1m")
    parser.add_argument(
        "--only", help="loops to play, with commas between them; of the others what is there is told"
    )
    given = parser.parse_args()
    play(_journey(given.model, seed=1))
    found: dict[str, list[dict[str, Any]]] = {}
    for name, (kind, settings) in loops(given.model).items():
        out = OUT / "loops" / f"{given.model}-{name.replace(' ', '-')}"
        if given.only is None or name in given.only.split(","):
            _play(kind, name, settings, out)
        if (rounds := out / "rounds.json").is_file():
            found[name] = json.loads(rounds.read_bytes())
    _print(found)
    print(write_result("journey_vs_shortcut_further", {"model": given.model, "loops": found}))


def _play(kind: str, name: str, settings: dict[str, Any], out: Path) -> None:
    def say(stage: str, there: bool) -> None:
        print(f"{name}: {stage}{' is there already' if there else ''}", flush=True)

    play_loop(kind, LOOPS[kind].settings.model_validate(settings), out, How(max_connections=256), say)


def _print(found: dict[str, list[dict[str, Any]]]) -> None:
    columns = ("loop", "round", "asked", "solved", "rows", "accuracy", "95%", "gained", "p")
    rows = (
        (
            name,
            *(str(line[key]) for key in ("round", "asked", "solved", "rows")),
            f"{line['accuracy']:.1%}",
            f"{line['low']:.1%} to {line['high']:.1%}",
            f"{line['gained']:+.1%}",
            f"{line['p']:.2g}",
        )
        for name, lines in found.items()
        for line in lines
    )
    print_table("accuracy on unseen problems, greedy", columns, rows, names=1)


if __name__ == "__main__":
    main()
