from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from longthought.agents.decisions import Backtrack
from longthought.agents.rewards.answer_text import find_answer
from longthought.synth.imports.judged import judged
from longthought.synth.imports.read import Import

DATA = Path(__file__).parents[3] / "shared" / "data"


def real(name: str) -> Path:
    file = DATA / name
    if not file.is_file():
        pytest.skip(f"{name} is not here")
    return file


def rows_of(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".json":
        return list(orjson.loads(file.read_bytes()))
    return [orjson.loads(line) for line in file.read_bytes().split(b"\n") if line]


def test_sky_t1_is_taken_whole() -> None:
    file = real("sky_t1_thoughts/correct5K-27B__math500.jsonl")
    rows = rows_of(file)
    transcripts = list(Import().transcripts([file]))
    outputs = [row["code"][0] for row in rows]
    assert len(transcripts) == len(rows) == 500
    finished = [t for t in transcripts if t.behind is not None]
    assert len(finished) == sum("<|end_of_thought|>" in output for output in outputs) == 196
    cut = sum("<|begin_of_thought|>" in text and "<|end_of_thought|>" not in text for text in outputs)
    cut_behind = sum(
        "<|begin_of_solution|>" in text and "<|end_of_solution|>" not in text for text in outputs
    )
    endless = sum("_of_thought|>" not in text and find_answer(text) is None for text in outputs)
    assert Counter(t.outcome.kind for t in transcripts)["limit:tokens"] == cut + cut_behind + endless
    for transcript, output in zip(transcripts, outputs, strict=True):
        thought = "\n".join(t.text for t in transcript.thoughts if t is not transcript.behind)
        assert thought in output
    assert sum(t.right for t in transcripts) == sum(
        row["score"][0] and t.outcome.group != "limit" for row, t in zip(rows, transcripts, strict=True)
    )


def test_the_short_baseline_and_marco_are_taken_whole() -> None:
    short = real("sky_t1_thoughts/shortcot-Qwen2.5-14B-Instruct__math500.jsonl")
    transcripts = list(Import().transcripts([short]))
    assert ["\n".join(t.text for t in x.thoughts) for x in transcripts] == [
        row["code"][0] for row in rows_of(short)
    ]
    assert sum(t.right for t in transcripts) == sum(row["score"][0] for row in rows_of(short))
    marco = real("marco_o1/CoT_demo.json")
    thoughts = list(Import().transcripts([marco]))
    assert len(thoughts) == len(rows_of(marco)) == 125
    assert [t.problem.question for t in thoughts] == [row["instruction"] for row in rows_of(marco)]


def test_math_shepherd_and_math_aps_are_taken_whole() -> None:
    labelled = real("math_shepherd_samples/samples_math-shepherd.jsonl")
    transcripts = list(Import().transcripts([labelled]))
    assert len(transcripts) == len(rows_of(labelled))
    readings = Counter(r.label for t in transcripts for j in t.judgements for r in j.readings)
    marks = Counter(
        mark for row in rows_of(labelled) for mark in re.findall(r" ([+-])(?=\nStep|$)", row["label"])
    )
    assert (readings["right"], readings["wrong"]) == (marks["+"], marks["-"])
    trees = real("math_shepherd_samples/samples_math-aps.jsonl")
    assert [t.right for t in judged(Import().transcripts([trees]))] == [True] * len(rows_of(trees))


def _prm800k(name: str) -> None:
    file = real(f"prm800k/{name}_trajectories.jsonl")
    rows = rows_of(file)
    transcripts = list(Import().transcripts([file]))
    assert len(transcripts) == len(rows)
    chosen = wrong = 0
    for row in rows:
        for step in row["steps"]:
            texts = {(c["text"] or "").strip() for c in step["completions"] if c.get("rating") == -1}
            wrong += len(texts - {(step["chosen_text"] or "").strip()})
            chosen += step["chosen_text"] is not None
    backtracks = [j for t in transcripts for j in t.judgements if isinstance(j.decision, Backtrack)]
    assert len(backtracks) == wrong
    assert sum(len(t.thoughts) for t in transcripts) == wrong + chosen
    gave_up = sum(row["steps"][-1]["chosen_text"] is None for row in rows)
    assert Counter(t.outcome.kind for t in transcripts)["gave_up"] == gave_up


def test_prm800k_test_is_taken_whole() -> None:
    _prm800k("phase1_test")


@pytest.mark.slow
def test_prm800k_train_is_taken_whole() -> None:
    _prm800k("phase1_train")
