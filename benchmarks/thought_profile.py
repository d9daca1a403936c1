"""How long thoughts of others read beside a short baseline and our journeys: ``longthought stats`` on all of them.

    python -m benchmarks.thought_profile DATA       DATA holds sky_t1_thoughts/, marco_o1/ and prm800k/

Sky-T1's model (27B, trained on 5,000 right traces) and the short baseline (Qwen2.5-14B-Instruct) answer the same 500
problems of MATH-500; a thought counts as finished where its end is marked, the outputs without marks are a source of
their own. Marco-o1's are its 125 demonstrations, PRM800K's trees are told as our debates are. Ours are debates of the
embedded model with itself on 300 unseen Countdown puzzles, exported as journeys and shortcuts. Puzzles of three numbers
are no competition problems: what compares is the shape, not the length.

The figures go to ``benchmarks/results/thought_profile.json``, the picture to ``thought_profile.svg``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.result_file import RESULTS, write_result
from longthought.scenarios.cli_stats import table
from longthought.scenarios.load import load_scenario
from longthought.scenarios.run import RunOptions, play_to_end
from longthought.synth.corpus.export import export
from longthought.synth.stats.plot import draw
from longthought.synth.stats.profile import Profile
from longthought.synth.stats.sources import UNMARKED, profiles

PROBLEMS = 300
#: What the files are called in the table.
FOREIGN = {
    "Sky-T1, long": "sky_t1_thoughts/correct5K-27B__math500.jsonl",
    "short baseline": "sky_t1_thoughts/shortcot-Qwen2.5-14B-Instruct__math500.jsonl",
    "Marco-o1": "marco_o1/CoT_demo.json",
    "PRM800K trees": "prm800k/phase1_train_trajectories.jsonl",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--problems", type=int, default=PROBLEMS)
    given = parser.parse_args()
    found = [
        one.model_copy(update={"name": name + (UNMARKED if one.name.endswith(UNMARKED) else "")})
        for name, file in FOREIGN.items()
        for one in profiles(given.data / file)
    ]
    with TemporaryDirectory() as directory:
        found += ours(Path(directory), given.problems)
    Console(width=190).print(table(found))
    write_result(
        "thought_profile",
        {"problems": given.problems, "profiles": [one.model_dump(mode="json") for one in found]},
    )
    draw([one for one in found if one.size is not None], RESULTS / "thought_profile.svg")


def ours(directory: Path, problems: int) -> Sequence[Profile]:
    """The profiles of a run's debates, and of the journeys and shortcuts that they become."""
    loaded = load_scenario("countdown", [f"dataset.size={problems}", "dataset.seed=2026"])
    run = play_to_end(loaded, RunOptions(run_dir=directory / "run"))
    export(run, directory / "corpus", ["journey", "shortcut"], ["jsonl"])
    named = {"run": "our debates", "corpus/journey": "our journeys", "corpus/shortcut": "our shortcuts"}
    made = [*profiles(run), *profiles(directory / "corpus")]
    return [one.model_copy(update={"name": named[one.name]}) for one in made]


if __name__ == "__main__":
    main()
