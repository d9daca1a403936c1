from __future__ import annotations

import gzip
from pathlib import Path

import orjson
import pytest
import zstandard

from longthought.agents.errors import UsageError
from longthought.synth import json_rows as module
from longthought.synth.json_rows import json_rows, plain_stem

ROWS = [{"text": "a\u2028b"}, {"text": "c"}]
LINES = b"".join(orjson.dumps(row) + b"\n" for row in ROWS)


def test_a_file_reads_the_same_however_it_is_packed(tmp_path: Path) -> None:
    packed = {
        "rows.jsonl": LINES,
        "rows.jsonl.gz": gzip.compress(LINES),
        "rows.jsonl.zst": zstandard.compress(LINES[:9]) + zstandard.compress(LINES[9:]),
        "rows.json": orjson.dumps(ROWS),
        "rows.json.zst": zstandard.compress(orjson.dumps(ROWS)),
    }
    for name, content in packed.items():
        file = tmp_path / name
        file.write_bytes(content)
        assert [place.sound() for place in json_rows(file)] == ROWS, name
        assert plain_stem(file) == "rows"


def test_a_broken_row_has_a_place_and_those_behind_it_follow(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b'{"a": 1}\n\n{"a": \n{"a": 2}')
    places = list(json_rows(file))
    assert [(place.number, place.row) for place in places] == [(1, {"a": 1}), (3, None), (4, {"a": 2})]
    with pytest.raises(UsageError, match=r"rows\.jsonl:3: not JSON"):
        places[1].sound()


@pytest.mark.parametrize("name", ["bomb.jsonl.zst", "bomb.jsonl.gz", "bomb.json.zst"])
def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path, name: str) -> None:
    zeros = b"0\n" * (32 << 20)
    file = tmp_path / name
    file.write_bytes(gzip.compress(zeros, 1) if name.endswith("gz") else zstandard.compress(zeros))
    assert file.stat().st_size < 1 << 20
    with pytest.raises(UsageError, match="times its size"):
        for _ in json_rows(file):
            pass


@pytest.mark.parametrize("name", ["long.jsonl", "long.jsonl.zst"])
def test_a_row_without_an_end_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROW", 2 << 20)
    line = b'{"text": "' + bytes(range(97, 123)) * 200_000
    file = tmp_path / name
    file.write_bytes(line if name.endswith("jsonl") else zstandard.compress(line, 1))
    with pytest.raises(UsageError, match=r":1: a row of more than 2 MiB"):
        list(json_rows(file))


def test_a_json_file_that_is_no_list_and_one_that_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "rows.json"
    file.write_bytes(b'{"a": 1}')
    with pytest.raises(UsageError, match="expected a list"):
        list(json_rows(file))
    monkeypatch.setattr(module, "MAX_LIST", 4)
    with pytest.raises(UsageError, match="write it as JSON lines"):
        list(json_rows(file))


def test_what_cannot_be_unpacked_says_so(tmp_path: Path) -> None:
    for name, content in {
        "a.jsonl.gz": b"no",
        "b.jsonl.zst": b"no",
        "c.jsonl.gz": gzip.compress(LINES)[:-9],
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError, match="cannot be unpacked"):
            list(json_rows(tmp_path / name))


def test_rows_nested_beyond_reason_are_broken_rows(tmp_path: Path) -> None:
    file = tmp_path / "deep.jsonl"
    file.write_bytes(b"[" * 100_000 + b"\n{}\n")
    deep, plain = json_rows(file)
    assert "not JSON" in deep.fault
    assert plain.sound() == {}
