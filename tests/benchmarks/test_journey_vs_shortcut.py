"""What the experiment counts in a thought, and how its cells are matched."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from platform import platform
from typing import Any, get_args

import pytest

from benchmarks import result_file
from benchmarks.journey_vs_shortcut import (
    further,
    leaks,
    matched,
    plot,
    processes,
    puzzles,
    report,
    variants,
)
from benchmarks.journey_vs_shortcut.plan import EPOCHS, MODELS, SIZES, TARGETS, VOCABULARY, Cell, cells
from benchmarks.journey_vs_shortcut.thoughts import Ways, ways_of
from longthought.agents.rewards.countdown import Puzzle, alive
from longthought.scenarios.load import load_scenario
from longthought.scenarios.looping import LOOPS
from longthought.scenarios.problem_source import problems_of

SHARES: tuple[puzzles.Share, ...] = get_args(puzzles.Share)
PUZZLE = Puzzle((28, 25, 4, 44), 37)


def test_a_straight_thought_has_no_way_back() -> None:
    thought = "28-25=3 [4 44 3]\n44-3=41 [4 41]\n41-4=37 [37]\nanswer: 44-(28-25)-4\nSo this is the answer."
    assert ways_of(thought, PUZZLE) == Ways(backs=0, valid=0, steps=3, legal=3, attempts=1, repeated=0)


def test_a_reflection_with_its_return_is_one_way_back_and_deserved_by_a_wrong_step() -> None:
    thought = (
        "28-25=3 [4 44 3]\n44-4=42 [3 42]\nBefore I go on: 44-4 is 40, not 42.\n44-4=40\n"
        'No, that step was wrong; I return to "28-25=3 [4 44 3]" and take another way.\n44-3=41 [4 41]'
    )
    ways = Ways(backs=1, valid=1, steps=3, legal=2, attempts=2, repeated=0)
    assert ways_of(thought, PUZZLE) == ways


def test_leaving_what_leads_to_the_target_is_not_deserved() -> None:
    thought = "28-25=3 [4 44 3]\nHmm, no way from 4 44 3 to 37; let me start over.\n28+25=53 [4 44 53]"
    assert ways_of(thought, PUZZLE) == Ways(backs=1, valid=0, steps=2, legal=2, attempts=2, repeated=0)


def test_a_way_back_to_numbers_that_the_thought_never_had_is_not_valid() -> None:
    dead = "28*25=700 [4 44 700]\nWait, no way from 4 44 700 to 37; back to the beginning.\n"
    there = Ways(backs=1, valid=1, steps=2, legal=2, attempts=2, repeated=0)
    assert ways_of(dead + "44-4=40 [28 25 40]", PUZZLE) == there
    assert ways_of(dead + "44-5=39 [28 25 39]", PUZZLE) == replace(there, valid=0, legal=1)
    assert ways_of(dead, PUZZLE) == Ways(backs=1, valid=0, steps=1, legal=1, attempts=1, repeated=0)


def test_an_attempt_that_was_made_before_is_repeated() -> None:
    attempt = "28*25=700 [4 44 700]\n700-44=656 [4 656]\n656-4=652 [652]\n"
    back = "Wait, no way from 652 to 37; back to the beginning.\n"
    ways = ways_of(attempt + back + attempt + back + attempt.replace("28*25", "25*28"), PUZZLE)
    assert (ways.attempts, ways.repeated) == (3, 1)


def test_what_follows_from_a_wrong_step_as_it_claims_is_legal_but_nowhere_to_go_back_to() -> None:
    wrong = "28-25=4 [4 44 4]\n44-4=40 [4 40]\n"
    assert ways_of(wrong, PUZZLE).legal == 1
    back = "Wait, no way from 4 40 to 37; back to 4 44 4.\n4+4=8 [44 8]"
    ways = ways_of(wrong + back, PUZZLE)
    assert (ways.legal, ways.backs, ways.valid) == (2, 1, 0)


def test_a_failed_attempt_is_a_solution_of_another_puzzle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaks, "tree_corpus", lambda: tmp_path)
    thought = (
        "28*25=700 [4 44 700]\n700-44=656 [4 656]\n656-4=652 [652]\nWait, no way from 652 to 37; back.\n"
    )
    messages = [
        {"role": "user", "content": "Make 37 of 28 25 4 44."},
        {"role": "assistant", "content": f"<think>\n{thought}28-25=4 [4 44 4]\n44-4=40 [4 40]\n40-4=36 [36]"},
    ]
    (tmp_path / "journey").mkdir()
    (tmp_path / "journey" / "train.jsonl").write_text(json.dumps({"messages": messages}) + "\n", "utf-8")
    (tmp_path / "manifest.json").write_text("{}", "utf-8")
    # What follows from a wrong step reaches nothing.
    assert leaks.seen(1) == ({(4, 25, 28, 44)}, {((4, 25, 28, 44), 652)})


def test_at_equal_tokens_shorter_rows_are_more_rows_and_then_more_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matched, "OUT", tmp_path)
    monkeypatch.setattr(matched, "EPOCHS", {4: 2})
    matched._lengths.cache_clear()  # pyright: ignore[reportPrivateUsage]
    lengths = {"journey": [10] * 8, "shortcut": [5] * 9, "answer_only": [2] * 10}
    (tmp_path / "lengths.json").write_text(json.dumps(lengths), "utf-8")
    assert matched.share(Cell("1m", "journey", 4, "examples", 1), tmp_path) == (4, 2.0)
    assert matched.share(Cell("1m", "shortcut", 4, "examples", 1), tmp_path) == (4, 2.0)
    assert matched.share(Cell("1m", "shortcut", 4, "tokens", 1), tmp_path) == (8, 2.0)
    rows, passes = matched.share(Cell("1m", "answer_only", 4, "tokens", 1), tmp_path)
    assert rows == 10
    assert passes * sum(lengths["answer_only"]) == 2 * sum(lengths["journey"][:4])
    matched._lengths.cache_clear()  # pyright: ignore[reportPrivateUsage]


def test_every_size_has_its_epochs_and_no_cell_is_twice() -> None:
    every = cells()
    assert len({cell.name for cell in every}) == len(every)
    assert set(SIZES) == set(EPOCHS)
    # Seven trainings for each model, size and seed: five arms, two of them a second time at equal tokens.
    assert len(every) == 2 * len(SIZES) * 3 * 7


def test_without_cells_there_is_nothing_to_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "OUT", tmp_path)
    with pytest.raises(SystemExit, match="no cell is there yet"):
        report.report()


@pytest.mark.parametrize(("model", "millions"), [("1m", 1), ("5m", 5), ("25m", 25), ("100m", 100)])
def test_models_have_about_the_parameters_that_their_names_say(model: str, millions: int) -> None:
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    with torch.device("meta"):
        config = transformers.LlamaConfig(**MODELS[model], vocab_size=VOCABULARY)
        made = transformers.LlamaForCausalLM(config)
    assert made.num_parameters() == pytest.approx(millions * 1e6, rel=0.1)


def test_no_puzzle_is_in_two_shares_and_all_can_be_solved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(puzzles, "OUT", tmp_path)
    monkeypatch.setattr(puzzles, "HIGHEST", 5)
    shares: list[list[dict[str, Any]]] = []
    for share in SHARES:
        loaded = load_scenario("countdown-teacher", [puzzles.dataset(share)])
        shares.append([problem.model_dump() for problem in problems_of(loaded)])
    every = [
        (*sorted(problem["metadata"]["numbers"]), problem["metadata"]["target"])
        for share in shares
        for problem in share
    ]
    assert len(set(every)) == len(every)
    assert all(alive(numbers, target) for *numbers, target in every)
    assert all(target in TARGETS for *_, target in every)
    assert min(len(share) for share in shares) > 0.02 * len(every)
    first = shares[0][0]
    numbers = " ".join(map(str, first["metadata"]["numbers"]))
    assert first["question"] == f"Make {first['metadata']['target']} of {numbers}."


def test_the_report_pairs_arms_and_draws_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module, name in ((report, "OUT"), (plot, "RESULTS"), (result_file, "RESULTS")):
        monkeypatch.setattr(module, name, tmp_path)
    asked = dict[str, list[dict[str, Any]]]()

    def replies(run: Path) -> list[dict[str, Any]]:
        return asked[run.name]

    monkeypatch.setattr(report, "replies", replies)
    (tmp_path / "cells").mkdir()
    cell_names = [f"1m-{arm}-327-examples-{seed}" for arm in ("journey", "shortcut") for seed in (1, 2)]
    for name in ("1m-base", *cell_names):
        right = {"1m-journey": 8, "1m-shortcut": 5}.get(name.partition("-327")[0], 2)
        problems = [
            {"id": str(n), "right": n < right, "cut": n == 9, "tokens": 10, "backs": 1, "valid_backs": n % 2}
            | {"steps": 3, "legal_steps": 3, "claims": n == 8, "attempts": 2, "repeated": n == 0}
            for n in range(10)
        ]
        asked[name] = problems
        told = {"examples": 327, "tokens_seen": 5, "train_seconds": 1800, "sample_seconds": 0}
        (tmp_path / "cells" / f"{name}.json").write_text(json.dumps(told), "utf-8")
    report.report()
    made = json.loads((tmp_path / "journey_vs_shortcut.json").read_bytes())
    by_arm = {(row["arm"], row["equal"]): row for row in made["arms"]}
    assert by_arm["base", "examples"]["mean"] == 0.2
    assert by_arm["journey", "examples"]["by_seed"] == [0.8, 0.8]
    journey = by_arm["journey", "examples"]
    assert (journey["valid_backs"], journey["repeated_attempts"], journey["legal_steps"]) == (0.5, 0.05, 1)
    assert (journey["claims"], journey["cut"], journey["at_once"]) == (0.1, 0.1, 0)
    (gap,) = made["gaps"]
    assert (gap["minus"], gap["mean"], gap["seeds"]) == ("shortcut", 0.3, 2)
    assert gap["low"] <= 0.3 <= gap["high"]
    assert (made["cells"], made["processor_hours"]) == (4, 2.5)
    assert (tmp_path / "journey_vs_shortcut.svg").stat().st_size > 0
    assert "+30.0%" in capsys.readouterr().out


def test_what_comes_after_is_well_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (puzzles, further):
        monkeypatch.setattr(module, "OUT", tmp_path)
    monkeypatch.setattr(puzzles, "HIGHEST", 3)
    monkeypatch.setattr(further, "base", tmp_path.joinpath)
    for name, (kind, settings) in further.loops("1m").items():
        made = LOOPS[kind].settings.model_validate(settings)
        assert made.evaluation is not None, name
        seen, learned = (
            problems_of(load_scenario(a.scenario, a.set)) for a in (made.evaluation, made.problems)
        )
        assert not {problem.id for problem in seen} & {problem.id for problem in learned}


def test_a_job_that_fails_is_named_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "OUT", tmp_path)
    processes.in_processes("platform", {"one": ("--terse",), "two": ()}, 2)
    assert (tmp_path / "cells" / "two.log").read_text().strip() == platform()
    with pytest.raises(SystemExit, match=r"three failed; see .*three\.log"):
        processes.in_processes("json.tool", {"three": (str(tmp_path / "nothing.json"),)}, 1)
    assert "nothing.json" in (tmp_path / "cells" / "three.log").read_text()


def test_variants_differ_in_one_thing_each() -> None:
    fields = ("search", "digits", "passes", "rows")
    for name, variant in variants.VARIANTS.items():
        plain = variants.Variant("")
        assert sum(getattr(variant, field) != getattr(plain, field) for field in fields) == 1, name
        assert len(variant.search) <= 1, name
