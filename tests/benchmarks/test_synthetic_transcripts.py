from __future__ import annotations

from itertools import islice
from pathlib import Path

import orjson

from benchmarks.export_speed import SIZES, goals
from benchmarks.synthetic_transcripts import SAMPLES, TURNS, transcripts, write_transcripts
from longthought.agents.decisions import Backtrack, Reflect
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.synth.derive.kinds import derivation
from longthought.synth.derive.rows import Row


def test_they_are_debates_with_detours_and_both_ends(tmp_path: Path) -> None:
    write_transcripts(tmp_path / "t.jsonl.zst", 40)
    found = list(read_transcripts(tmp_path / "t.jsonl.zst"))
    assert [len(transcript.walk) for transcript in found] == [TURNS] * 40
    assert {transcript.right for transcript in found} == {True, False}
    decisions = [judgement.decision for transcript in found for judgement in transcript.judgements]
    assert any(isinstance(decision, Backtrack) for decision in decisions)
    assert any(isinstance(decision, Reflect) for decision in decisions)
    assert len({transcript.id for transcript in found}) == 40
    assert len({transcript.problem.id for transcript in found}) == 40 / SAMPLES
    assert not any(transcript.informed or transcript.suspect_injection for transcript in found)


def test_a_larger_set_begins_with_the_smaller_one() -> None:
    few, more, other = (
        list(islice(transcripts(number, seed), 8)) for number, seed in ((8, 0), (12, 0), (8, 1))
    )
    assert few == more != other


def test_every_kind_that_is_measured_has_rows() -> None:
    samples = [Transcript.model_validate_json(orjson.dumps(one)) for one in transcripts(SAMPLES * 5)]
    for kind in ("journey", "shortcut", "preference"):
        made = [
            row
            for at in range(0, len(samples), SAMPLES)
            for row in derivation(kind).rows(samples[at : at + SAMPLES])
        ]
        assert any(isinstance(row, Row) for row in made), kind


def test_goals_are_held_to_the_worst_of_the_runs() -> None:
    small, large = ({"debates": size, "seconds": size / 2500, "debates_a_second": 2500} for size in SIZES)
    rows = [{**small, "peak_pss_mb": 300}, {**large, "peak_pss_mb": 400}]
    assert [goal["held"] for goal in goals(rows)] == [True, True, True]
    slow = {"debates": SIZES[1], "seconds": SIZES[1] / 1900, "debates_a_second": 1900, "peak_pss_mb": 501}
    assert [goal["held"] for goal in goals([rows[0], slow])] == [False, False, False]
