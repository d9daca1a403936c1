"""What the embedded critic misses, by kind of planted fault, before and after training on planted faults.

    python -m benchmarks.planted_faults            about five minutes on two cores

Faults for training lie in puzzles of the train split, those for the measurement in puzzles of the eval split, so no
puzzle is in both. Recall is exact: the rules say of every planted step that it is wrong, and of every other that it is
right. False alarms are also counted on steps of scripted debates, whose wrong steps nobody planted. Beside the critics
stands the step scorer, on the same data. Results go to ``benchmarks/results/planted_faults.json``.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.result_file import write_result
from longthought.scenarios.judging import MeasureOptions, judge
from longthought.scenarios.load import load_scenario
from longthought.scenarios.run import RunOptions, play_to_end
from longthought.scenarios.tampering import SOLUTIONS, TamperOptions, tamper
from longthought.synth.corpus.export import export
from longthought.synth.tamper.fault import KINDS
from longthought.train.judging.passport import Passport
from longthought.train.settings import CriticSettings, load_settings
from longthought.train.sft import run_sft

OUT = Path("out/critic")
CONFIG = Path(__file__).parents[1] / "train" / "tiny-critic.yaml"
#: Puzzles that faults are planted into, and puzzles debated, for training; and as many of both for measuring.
PLANTED, DEBATED, EVAL = 3_000, 20_000, 300


def plant(name: str, split: str, puzzles: int, seed: int) -> Path:
    """Right and tampered solutions, and critic rows of them."""
    sets = (f"dataset.split={split}", f"dataset.size={puzzles}", f"dataset.seed={seed}")
    options = TamperOptions(out=OUT / name, kinds=KINDS, sets=sets, critic_of="countdown")
    asyncio.run(tamper("countdown-teacher", options))
    return OUT / name / SOLUTIONS


def debate(name: str, split: str, puzzles: int, seed: int, kind: str, options: dict[str, object]) -> Path:
    """A corpus of scripted debates under an oracle that misses nothing."""
    sets = [f"dataset.split={split}", f"dataset.size={puzzles}", f"dataset.seed={seed}", "epochs=1"]
    loaded = load_scenario("countdown-teacher", [*sets, "seats.critic.options.miss=0"])
    run = play_to_end(loaded, RunOptions(run_dir=OUT / f"{name}-run"))
    export(run, OUT / name, [kind], ["jsonl"], options={kind: options})
    return OUT / name / kind / "train.jsonl"


def measure(name: str, subject: str, data: Path, model: str) -> Passport:
    sets = () if subject == "step-scorer" else (f"models.embedded.model={model}",)
    return asyncio.run(judge(subject, MeasureOptions(data=data, out=OUT / "judged" / name, sets=sets)))


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    faults = plant("eval", "eval", EVAL, 41)
    steps = debate("eval-steps", "eval", EVAL, 42, "step_labels", {})
    plant("tampered", "train", PLANTED, 43)
    shared: dict[str, object] = {"context": "shared", "prompts": "terse"}
    debate("debates", "train", DEBATED, 44, "dialogue", {**shared, "seats": "critic"})
    subjects = {"critic": ("countdown", "embedded"), "step scorer": ("step-scorer", "")}
    found = {
        name: (
            measure(f"{name} faults", subject, faults, model),
            measure(f"{name} steps", subject, steps, model),
        )
        for name, (subject, model) in subjects.items()
    }
    trained = run_sft(load_settings(CONFIG, schema=CriticSettings)).resolve()
    found["critic, trained on faults"] = (
        measure("trained faults", "countdown", faults, str(trained)),
        measure("trained steps", "countdown", steps, str(trained)),
    )
    _print(found)
    before, after = (found[name] for name in ("critic", "critic, trained on faults"))
    goals = {
        "at least half of the critic's misses are gone after training": _missed(after[0])
        <= _missed(before[0]) / 2,
        "false alarms are no higher, on the steps around planted faults": _alarms(after[0])
        <= _alarms(before[0]),
        "false alarms are no higher, on debates": _alarms(after[1]) <= _alarms(before[1]),
        "the step scorer's AUC on steps of debates is at least 0.95": (
            found["step scorer"][1].figures["auc"].value or 0
        )
        >= 0.95,
    }
    write_result("planted_faults", {"subjects": {k: _row(*v) for k, v in found.items()}, "goals": goals})
    for goal, met in goals.items():
        print("PASS" if met else "FAIL", goal)
    sys.exit(0 if all(goals.values()) else 1)


def _missed(passport: Passport) -> int:
    return sum(cell.missed for cell in passport.by_kind.values())


def _alarms(passport: Passport) -> int:
    return sum(cell.false_alarms for cell in passport.by_position)


def _row(faults: Passport, steps: Passport) -> dict[str, Any]:
    figures = ("step_f1", "misses", "false_alarms", "auc", "ece", "processbench_f1")
    return {
        "recall_by_kind": {
            kind: round(1 - cell.missed / cell.wrong, 4) for kind, cell in faults.by_kind.items()
        },
        "missed_faults": _missed(faults),
        "faults": faults.data.wrong_steps,
        "on_planted_faults": {name: asdict(faults.figures[name]) for name in figures},
        "on_steps_of_debates": {name: asdict(steps.figures[name]) for name in figures},
        "unscored": [faults.unscored, steps.unscored],
    }


def _print(found: dict[str, tuple[Passport, Passport]]) -> None:
    table = Table("", *found, header_style="bold")
    rows = {name: _row(*passports) for name, passports in found.items()}
    for kind in next(iter(rows.values()))["recall_by_kind"]:
        table.add_row(f"recall, {kind}", *(f"{row['recall_by_kind'][kind]:.1%}" for row in rows.values()))
    for data in ("on_planted_faults", "on_steps_of_debates"):
        for figure in ("misses", "false_alarms", "step_f1", "auc"):
            values = (row[data][figure]["value"] for row in rows.values())
            table.add_row(f"{figure} {data}", *("–" if v is None else f"{v:.3f}" for v in values))
    Console().print(table)


if __name__ == "__main__":
    main()
