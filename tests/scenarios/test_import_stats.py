from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest

from tests.scenarios.command_line import Call

ROWS = [
    {"question": "1+1?", "reasoning": "One.\n\nWait, two.\n", "content": "\\boxed{2}", "answer": "2"},
    {
        "question": "2+2?",
        "response": "<think>\n\x1b[31mFour[/red].\n\nAlternatively, 4.\n</think>\n\n#### 5",
        "answer": "4",
    },
    {"nothing": "here"},
]


def written(tmp_path: Path, *rows: object) -> None:
    (tmp_path / "rows.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def test_a_foreign_file_is_imported_exported_and_measured(call: Call, tmp_path: Path) -> None:
    written(tmp_path, *ROWS)
    code, _, err = call("import", "rows.jsonl", "--out", "got/thoughts.jsonl.zst")
    assert code == 2
    assert err.startswith("longthought: rows.jsonl:3: no format takes a row with the columns ['nothing']")
    assert not list(tmp_path.glob("got/*")), "nothing half-written stays"
    code, out, err = call(
        "import", "rows.jsonl", "--out", "got/thoughts.jsonl.zst", "--skip-broken", "--scorer", "exact"
    )
    assert code == 0, err
    assert "2 transcripts of 3 rows: solved 1, wrong 1" in out
    assert "1 rows passed over:" in out
    assert (
        call("export", "got/thoughts.jsonl.zst", "--out", "corpus", "--kinds", "journey,step_labels")[0] == 0
    )
    code, out, err = call("stats", "rows.jsonl")
    assert code == 2, "what is broken is named here, too"
    assert "rows.jsonl:3: " in err
    code, out, err = call("stats", "rows.jsonl", "--skip-broken")
    assert code == 0, err
    assert "1 rows passed over:\nrows.jsonl:3: no format" in out
    code, out, err = call(
        "stats", "got/thoughts.jsonl.zst", "corpus", "--json", "stats.json", "--plot", "stats.svg"
    )
    assert code == 0, err
    assert "\x1b" not in out
    figures = json.loads((tmp_path / "stats.json").read_text())
    assert [(one["name"], one["thoughts"], one["right"]) for one in figures] == [
        ("thoughts", 2, 1),
        ("corpus/journey", 1, 1),
    ]
    assert (tmp_path / "stats.svg").read_text().startswith("<?xml")


@pytest.mark.slow
def test_tokens_of_a_tokenizer(call: Call, tmp_path: Path) -> None:
    written(tmp_path, *ROWS[:1])
    assert call("stats", "rows.jsonl", "--tokenizer", "embedded", "--json", "tokens.json")[0] == 0
    assert call("stats", "rows.jsonl", "--json", "words.json")[0] == 0
    tokens, words = (json.loads((tmp_path / name).read_text())[0] for name in ("tokens.json", "words.json"))
    assert (tokens["unit"], words["unit"], words["size"]["mean"]) == ("tokens", "words", 3.0)
    assert tokens["size"]["mean"] > 3
    code, _, err = call("stats", "rows.jsonl", "--tokenizer", str(tmp_path))
    assert code == 2
    assert "cannot be loaded" in err


def test_what_is_asked_wrongly_is_one_line(call: Call, tmp_path: Path) -> None:
    written(tmp_path, *ROWS[:1])
    for arguments, said in (
        (("import", "rows.jsonl", "--out", "rows.jsonl"), "is one of the files to read"),
        (("import", "rows.jsonl", "--out", "rows.zip"), "ends in .jsonl.zst or .jsonl"),
        (("import", "rows.jsonl", "--out", "o.jsonl", "--format", "r1"), "no format 'r1'; there are prm800k"),
        (("import", "rows.jsonl", "--out", "o.jsonl", "--scorer", "exat"), "did you mean exact?"),
        (("import", "gone.jsonl", "--out", "o.jsonl"), "gone.jsonl: no such file"),
        (("stats", "gone"), "gone: no such"),
        (("stats", "rows.jsonl", "--plot", "plot.pdf"), "must end in .svg or .png"),
    ):
        code, _, err = call(*arguments)
        assert (code, err.count("\n")) == (2, 1), err
        assert said in err
