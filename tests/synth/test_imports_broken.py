from __future__ import annotations

import json
import tempfile
from collections.abc import Sized
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longthought.agents.errors import UsageError
from longthought.protocols.transcript_files import read_transcripts, write_transcripts
from longthought.synth.imports.read import FORMATS, Import
from tests.synth.imported import THOUGHT, read

BROKEN = [
    ({"x": 1}, "no format takes a row with the columns"),
    ([1], "no format"),
    ({"question": "q", "response": "Well. <think>a</think>b"}, "text before <think>"),
    ({"question": "q", "response": "<think>a</think>b<think>c</think>"}, "second <think>"),
    ({"question": "q", "response": "<think>\n</think>"}, "empty reply"),
    ({"question": "", "reasoning": "a"}, "no format"),
    ({"prompt": "q", "completion": [{"role": "user", "content": "a"}], "reward": 1}, "several turns"),
    ({"messages": [{"role": "assistant", "content": "<think>a</think>"}]}, "a chat of 1 turns"),
    ({"question": "q", "longCOT": 4}, "longCOT: Input should be a valid string"),
    ({"question": "q", "rstar": {"0": {"text": ""}}}, "no step in"),
    ({"question": "q", "reasoning_steps": {"text": "q", "children": -1}}, "`children` is no list"),
    (
        {"problem": "q", "steps": [{"completions": [{"text": "a"}], "chosen_completion": 1}]},
        "steps.0: Value error, `chosen_completion` is 1, of 1 completions",
    ),
    (
        {"problem": "q", "steps": [{"completions": [{"text": "a"}], "chosen_completion": -1}]},
        "`chosen_completion` is -1",
    ),
]


@pytest.mark.parametrize(("row", "said"), BROKEN, ids=[said for _, said in BROKEN])
def test_a_broken_row_is_one_line_with_its_place(tmp_path: Path, row: object, said: str) -> None:
    good = {"question": "q", "reasoning": "a", "content": "b"}
    with pytest.raises(UsageError) as error:
        read(tmp_path, good, row)
    assert "rows.jsonl:2: " in str(error.value)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert len(read(tmp_path, good, row, good, skip_broken=True)) == 2


COLUMNS = [
    "question",
    "problem",
    "prompt",
    "instruction",
    "input",
    "query",
    "completion",
    "completions",
    "response",
    "generations",
    "messages",
    "conversations",
    "reasoning",
    "reasoning_content",
    "content",
    "answer",
    "gold",
    "label",
    "labels",
    "steps",
    "code",
    "score",
    "longCOT",
    "reward",
    "reasoning_steps",
    "rstar",
    "tree",
    "text",
    "children",
    "mc_value",
    "q_value",
    "value",
    "solution_prefix",
    "rating",
    "chosen_text",
    "chosen_completion",
    "role",
    "from",
    "finish_reason",
    "ground_truth_answer",
    "human_completion",
    "model_output_steps",
    "correct",
    "id",
    "metadata",
]
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.floats(-2, 2)
    | st.sampled_from(
        ["", "a", "<think>a</think>b", "user", "assistant", "0", "wait", "Step 1: a ки", "solution"]
    )
)
JSON = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*COLUMNS, "0", "0.0", "0.0.1"]), inner, max_size=4)
    ),
    max_leaves=12,
)


SOUND: list[dict[str, Any]] = [
    {"question": "q", "reasoning": "a", "content": "b", "correct": True, "answer": "4"},
    {"problem": "q", "generations": ["<think>a</think>b"], "correctness_math_verify": [True]},
    {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "<think>a</think>b"}]},
    {"question": "q", "code": ["a"], "score": [True], "gt": "4"},
    {
        "prompt": [{"role": "user", "content": "q"}],
        "completion": [{"role": "assistant", "content": "a"}],
        "reward": 1.0,
    },
    {
        "question": "q",
        "rstar": {"0": {"text": ""}, "0.0": {"text": "a", "q_value": 1.0, "final_answer": "4"}},
    },
    {
        "question": "q",
        "reasoning_steps": {"text": "q", "children": [{"text": "a", "mc_value": 1.0, "children": []}]},
    },
    {"question": "q", "reasoning_steps": [{"solution_prefix": "q a", "mc_value": 1.0}], "final_answer": "4"},
    {"problem": "q", "steps": [{"completions": [{"text": "a", "rating": 1}], "chosen_text": "a"}]},
    {
        "question": {"problem": "q", "ground_truth_answer": "4"},
        "label": {
            "steps": [{"completions": [{"text": "a", "rating": 1}], "chosen_completion": 0}],
            "finish_reason": "solution",
        },
    },
    {"input": "q Step 1: a ки", "label": "q Step 1: a +"},
]


def keys_of(value: object) -> list[Any]:
    if isinstance(value, dict):
        return sorted(cast("dict[str, Any]", value))
    return [*range(len(cast("Sized", value)))] if isinstance(value, list) else []


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A sound row in which one value, however deep, is another."""
    row: dict[str, Any] = json.loads(json.dumps(draw(st.sampled_from(SOUND))))
    at: Any = row
    while True:
        key = draw(st.sampled_from(keys_of(at)))
        if not keys_of(at[key]) or draw(st.integers(0, 3)) == 0:
            at[key] = draw(JSON)
            return row
        at = at[key]


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(COLUMNS), JSON, max_size=5) | damaged(),
    st.sampled_from([None, None, None, *FORMATS]),
)
def test_whatever_a_row_holds_it_is_read_or_refused_in_one_line(
    row: dict[str, Any], format: str | None
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "rows.jsonl"
        file.write_bytes(orjson.dumps(row))
        reading = Import(format, scorer="exact", skip_broken=True)
        for transcript in reading.transcripts([file]):
            assert type(transcript).model_validate_json(transcript.model_dump_json()) == transcript
        assert len(reading.broken) == reading.skipped <= reading.rows == 1
        for said in reading.broken:
            assert "rows.jsonl:1: " in said
            assert "\n" not in said


def test_rows_passed_over_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b'{"question": "q", "reasoning": "a"}\n{"x"\n{"y": 1}\n')
    reading = Import(skip_broken=True)
    assert len(list(reading.transcripts([file]))) == 1
    assert (reading.rows, reading.skipped) == (3, 2)
    assert "rows.jsonl:2: not JSON" in reading.broken[0]
    with pytest.raises(UsageError, match="no format 'x'; there are prm800k"):
        Import("x")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    transcripts = read(tmp_path, {"question": "q", "reasoning": THOUGHT, "content": "42"})
    for name in ("out.jsonl", "out.jsonl.zst"):
        assert write_transcripts(tmp_path / name, transcripts) == 1
        assert list(read_transcripts(tmp_path / name)) == transcripts
