from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longthought.agents.decisions import Backtrack, Reflect
from longthought.agents.errors import UsageError
from longthought.agents.rewards.answer_text import find_answer
from longthought.protocols.transcript import Transcript, read_transcripts, write_transcripts
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.kinds import KINDS, derivation
from longthought.synth.derive.rows import SftRow, StepRow
from longthought.synth.derive.shortcut import Shortcut
from longthought.synth.imports.judged import judged
from longthought.synth.imports.read import FORMATS, Import
from longthought.synth.imports.segments import segments
from longthought.synth.imports.turns_of_mind import load_turns
from longthought.synth.telling.masks import Mask
from longthought.synth.telling.thought_tags import ThoughtTags

DATA = Path(__file__).parents[3] / "shared" / "data"

THOUGHT = (
    "Okay, 6 times 7.\n\n6 times 7 is 48.\n\nWait, that is 6 times 8.\nSo it is 42.\n\n\n"
    "Alternatively, 7+7 is 14, and three of those are\n\n\\[\n14*3=42\n\\]\n\nSo 42 it is.\n"
)


def read(
    directory: Path,
    *rows: object,
    format: str | None = None,
    skip_broken: bool = False,
    scorer: str = "exact",
) -> list[Transcript]:
    file = directory / "rows.jsonl"
    file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    reading = Import(format, skip_broken=skip_broken, scorer=scorer)
    return list(judged(reading.transcripts([file])))


def one(directory: Path, row: object) -> Transcript:
    (transcript,) = read(directory, row)
    return transcript


def message(transcript: Transcript, tags: ThoughtTags | None = None) -> str:
    (row,) = Journey(solved_only=False, tags=tags or ThoughtTags()).rows([transcript])
    assert isinstance(row, SftRow), row
    return row.messages[1]["content"]


def real(name: str) -> Path:
    file = DATA / name
    if not file.is_file():
        pytest.skip(f"{name} is not here")
    return file


# --- nothing is lost -----------------------------------------------------------------------------------------------

LINE = (
    st.sampled_from(
        [
            "",
            " ",
            "Wait, no.",
            "Alternatively, x",
            "Let me start over.",
            "```",
            "\\[",
            "final answer: 4",
            "Hmm",
        ]
    )
    | st.text(st.characters(codec="utf-8"), max_size=12)
    | st.text("ab \t\r\u2028\x85", max_size=6)
)
TEXT = st.lists(LINE, min_size=1, max_size=14).map("\n".join).filter(str.strip)


@settings(max_examples=200)
@given(TEXT)
def test_steps_joined_are_the_thought(text: str) -> None:
    turns = load_turns()
    steps = segments(text, lambda line: turns.opening(line) is not None)
    assert "\n".join(steps) == text
    assert all(step.strip() for step in steps)


@settings(max_examples=50, deadline=None)
@given(
    TEXT.filter(lambda text: "<think>" not in text and "</think>" not in text),
    st.text("answer 12{}\n", min_size=1).filter(str.strip),
)
def test_a_journey_of_an_imported_thought_is_that_thought(thought: str, reply: str) -> None:
    said = f"<think>\n{thought}\n</think>\n\n{reply}"
    with tempfile.TemporaryDirectory() as directory:
        rows: Sequence[object] = (
            {"question": "q", "reasoning_content": thought, "content": reply},
            {"question": "q", "response": said},
            {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": said}]},
            {"prompt": [{"role": "user", "content": "q"}], "completion": said, "reward": 1.0},
        )
        for transcript in read(Path(directory), *rows):
            assert message(transcript) == f"<think>\n{thought}\n</think>\n\n{reply.strip()}"
            assert type(transcript).model_validate_json(transcript.model_dump_json()) == transcript


@settings(max_examples=20, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=3))
def test_every_kind_and_mask_takes_imported_thoughts(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        rows = [
            {"question": "q", "reasoning": text, "content": "\\boxed{4}", "correct": i != 1}
            for i, text in enumerate(texts)
        ]
        transcripts = read(Path(directory), *rows)
    for kind in KINDS:
        for row in derivation(kind).rows(transcripts):
            assert not isinstance(row, StepRow) or all(row.labels[:-1])
    masks: tuple[Mask, ...] = ("all", "drop-wrong", "recovery-only", "critic-only", "policy-only")
    for mask in masks:
        for row in Journey(mask=mask).rows(transcripts):
            if isinstance(row, SftRow):
                assert sum(span["end"] - span["start"] for span in row.masked) < len(
                    row.messages[1]["content"]
                )


# --- decisions -----------------------------------------------------------------------------------------------------


def test_turns_of_mind_become_decisions_on_the_step_before(tmp_path: Path) -> None:
    transcript = one(
        tmp_path, {"question": "6*7?", "reasoning": THOUGHT, "response": "It is 42.\n#### 42", "gold": "42"}
    )
    assert [(t.parent, t.kind) for t in transcript.thoughts] == [
        (0, "step"),
        (1, "step"),
        (2, "reflection"),
        (1, "step"),
        (4, "step"),
        (5, "conclusion"),
    ]
    decisions = [judgement.decision for judgement in transcript.judgements]
    assert decisions[1] == Reflect(why="Wait, that is 6 times 8.")
    assert isinstance(decisions[2], Backtrack)
    assert decisions[2].to == 1
    assert [decision.kind for decision in decisions] == [
        "continue",
        "reflect",
        "backtrack",
        "continue",
        "continue",
        "terminate",
    ]
    assert transcript.right
    assert transcript.thoughts[3].text.endswith("14*3=42\n\\]\n"), "a formula belongs to the words before it"
    assert transcript.behind is not None
    assert transcript.behind.answer == "42"
    (row,) = Shortcut().rows([transcript])
    assert isinstance(row, SftRow)
    assert "48" not in row.messages[1]["content"]


def test_masks_know_the_steps_that_turn(tmp_path: Path) -> None:
    transcript = one(tmp_path, {"question": "6*7?", "reasoning": THOUGHT, "response": "42", "correct": True})

    def kept(mask: Mask) -> str:
        (row,) = Journey(mask=mask).rows([transcript])
        assert isinstance(row, SftRow)
        text = row.messages[1]["content"]
        for span in reversed(row.masked):
            text = text[: span["start"]] + text[span["end"] :]
        return text

    assert "is 48" not in kept("drop-wrong")
    assert "Okay, 6 times 7." in kept("drop-wrong")
    assert kept("recovery-only").startswith("Alternatively")
    assert kept("critic-only").startswith("Wait, that is")
    assert kept("policy-only") == message(transcript)


@pytest.mark.parametrize(
    ("line", "turning"),
    [
        ("Wait, 7*6 is 42.", "reflect"),
        ("but wait. is that so?", "reflect"),
        ("**Hmm**, no", "reflect"),
        ("Let me double-check: 4", "reflect"),
        ("Waiting time is 4 minutes", None),
        ("So, 4", None),
        ("Hmm, alternatively we could add", "backtrack"),
        ("Wait, maybe let me try another way", "backtrack"),
        ("OK, let’s start over.", "to problem"),
        ("Therefore, the final answer is 4", "conclude"),
        ("The waiter said wait", None),
        ("", None),
    ],
)
def test_openings(line: str, turning: str | None) -> None:
    assert load_turns().opening(line) == turning


def test_a_bank_of_ones_own_and_a_bad_one(tmp_path: Path) -> None:
    file = tmp_path / "turns.yaml"
    file.write_text(
        "to_problem: [从头开始]\nbacktrack: [或者]\nreflect: [等等]\nconclude: [答案是]\n", "utf-8"
    )
    assert load_turns(str(file)).opening("等等，这不对") == "reflect"
    bad = tmp_path / "bad.yaml"
    bad.write_text("reflect: [x]\n", "utf-8")
    with pytest.raises(UsageError, match=r"turns: .*to_problem: Field required"):
        load_turns(str(bad))


# --- formats -------------------------------------------------------------------------------------------------------


def test_unfinished_thoughts_are_cut_and_never_solved(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"question": "q", "response": "<think>\nOne.\n\nTwo", "correct": True},
        {"question": "q", "reasoning_content": "One.\n\nTwo", "content": "", "correct": True},
        {"question": "q", "code": ["<|begin_of_thought|>\n\nOne"], "score": [True]},
        {
            "question": "q",
            "code": ["<|begin_of_thought|>\n\nOne\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\nx"],
        },
    ]
    for transcript in read(tmp_path, *rows):
        assert transcript.outcome.kind == "limit:tokens"
        assert transcript.thoughts[-1].truncated
        assert not transcript.right


def test_still_tags_give_the_whole_message_back(tmp_path: Path) -> None:
    text = (
        "<|begin_of_thought|>\n\nOne.\n\nWait, two.\n\n<|end_of_thought|>\n\n"
        "<|begin_of_solution|>\n\nIt is \\boxed{2}.\n\n<|end_of_solution|>"
    )
    row = {
        "system": "s",
        "conversations": [{"from": "user", "value": "q"}, {"from": "assistant", "value": text}],
    }
    transcript = one(tmp_path, row)
    assert transcript.outcome.answer == "2"
    assert message(transcript, ThoughtTags.model_validate("still")) == text


def test_o1_journey_marco_and_verifiers(tmp_path: Path) -> None:
    journey, marco, rollout = read(
        tmp_path,
        {"question": "q1", "answer": "42", "longCOT": "So.\n\nWait, no.\n\n#### 42"},
        {"instruction": "q2", "response": "<Thought>\nhmm.\n\nfine\n\n</Thought>\n<Output>\nyes\n</Output>"},
        {
            "example_id": 3,
            "prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "q3"}],
            "completion": [{"role": "assistant", "content": "4", "reasoning_content": "2+2"}],
            "answer": "4",
            "reward": 0.2,
            "metrics": {},
        },
    )
    assert (journey.outcome.kind, journey.outcome.answer) == ("solved", "42")
    assert (marco.outcome.kind, marco.outcome.answer) == ("unverified", "yes")
    assert message(marco) == "<think>\nhmm.\n\nfine\n\n</think>\n\nyes"
    assert (rollout.problem.question, rollout.outcome.kind) == ("q3", "solved"), (
        "a reward in between says nothing"
    )


def test_samples_of_a_question_are_samples_of_one_problem(tmp_path: Path) -> None:
    row = {
        "problem": "6*7?",
        "answer": "42",
        "problem_type": "Arithmetic",
        "generations": ["<think>\na\n</think>\n\n\\boxed{42}", "<think>\nb\n</think>\n\n\\boxed{41}"],
        "correctness_math_verify": [True, False],
    }
    right, wrong = read(tmp_path, row)
    assert (right.id, wrong.id) == ("rows-1#0", "rows-1#1")
    assert (right.outcome.kind, wrong.outcome.kind) == ("solved", "wrong")
    assert (right.problem.gold, right.problem.metadata) == ("42", {"problem_type": "Arithmetic"})
    assert [type(row).__name__ for row in derivation("preference").rows([right, wrong])] == ["PreferenceRow"]


def test_wrong_tries_of_prm800k_are_gone_back_from(tmp_path: Path) -> None:
    steps = [
        {
            "completions": [
                {"text": "bad", "rating": -1, "error_reason": "wrong_sign"},
                {"text": "good", "rating": 1},
                {"text": "good too", "rating": 1},
            ],
            "chosen_completion": 1,
        },
        {
            "completions": [{"text": "bad", "rating": -1}],
            "chosen_completion": None,
            "human_completion": {"text": "# Answer\n\n4", "rating": None},
        },
    ]
    row = {
        "question": {"problem": "q", "ground_truth_answer": "4"},
        "label": {"steps": steps, "finish_reason": "solution"},
    }
    transcript = one(tmp_path, row)
    assert [(t.parent, t.text) for t in transcript.thoughts] == [
        (0, "bad"),
        (0, "good"),
        (2, "bad"),
        (2, "# Answer\n\n4"),
    ]
    assert [str(r) for j in transcript.judgements for r in j.readings] == [
        "rating: wrong",
        "rating: right",
        "rating: wrong",
    ]
    assert transcript.right
    text = message(transcript)
    assert re.search(r"^bad\n.*wrong sign.*\ngood\nbad\n", text, re.M), (
        "its turns of mind are told as a debate's are"
    )


def test_a_trajectory_that_nobody_went_on_from_is_given_up(tmp_path: Path) -> None:
    step = {"completions": [{"text": "bad", "rating": -1}, {"text": "so", "rating": 0}], "chosen_text": None}
    transcript = one(tmp_path, {"problem": "q", "steps": [step]})
    assert (transcript.outcome.kind, [t.text for t in transcript.thoughts]) == ("gave_up", ["bad"])
    unrated = {"completions": [{"text": "so", "rating": None}], "chosen_text": None}
    assert one(tmp_path, {"problem": "q", "steps": [unrated]}).thoughts == ()


NESTED: dict[str, Any] = {
    "text": "q",
    "mc_value": 0.5,
    "children": [
        {
            "text": "no",
            "mc_value": 0.0,
            "children": [{"text": "never looked at", "mc_value": 0.0, "children": []}],
        },
        {"text": "fair", "mc_value": 0.6, "children": []},
        {
            "text": "yes",
            "mc_value": 0.7,
            "children": [{"text": "\\boxed{4}", "mc_value": 1.0, "children": []}],
        },
    ],
}
TAGGED = {
    "0": {"text": "", "q_value": 0.0},
    "0.0": {"text": "no", "q_value": -1.0},
    "0.1": {"text": "fair", "q_value": 0.2},
    "0.2": {"text": "yes", "q_value": 0.4},
    "0.2.0": {"text": "so", "q_value": 1.0, "final_answer": "4"},
    "0.2.0.0": {"text": "\\boxed{4}", "q_value": 1.0, "final_answer": "4"},
}
PREFIXES = [
    {"solution_prefix": "q\n\nyes\n\n\\boxed{4}", "mc_value": 1.0},
    {"solution_prefix": "q", "mc_value": 0.5},
    {"solution_prefix": "q\n\nno", "mc_value": 0.0},
    {"solution_prefix": "q\n\nfair", "mc_value": 0.6},
    {"solution_prefix": "q\n\nyes", "mc_value": 0.7},
]


@pytest.mark.parametrize(
    "columns",
    [{"reasoning_steps": NESTED}, {"rstar": TAGGED}, {"reasoning_steps": PREFIXES}],
    ids=["nested", "tags", "prefixes"],
)
def test_trees_with_values_keep_the_best_way_and_its_wrong_tries(
    tmp_path: Path, columns: dict[str, Any]
) -> None:
    transcript = one(tmp_path, {"question": "q", "final_answer": "4", **columns})
    said = [t.text for t in transcript.thoughts]
    assert said[:2] == ["no", "yes"]
    assert said[-1] == "\\boxed{4}"
    assert "fair" not in said
    assert (transcript.outcome.kind, transcript.outcome.answer) == ("solved", "4")
    assert [j.decision.kind for j in transcript.judgements][:2] == ["backtrack", "continue"]


def test_a_deep_tree_is_no_trouble(tmp_path: Path) -> None:
    tree: dict[str, Any] = {"text": "end: answer: 4", "mc_value": 1.0, "children": []}
    for depth in range(400):
        tree = {"text": f"step {depth}", "mc_value": 1.0, "children": [tree]}
    (tmp_path / "rows.jsonl").write_text(json.dumps({"question": "q", "reasoning_steps": tree}))
    (transcript,) = Import().transcripts([tmp_path / "rows.jsonl"])
    assert len(transcript.thoughts) == 400


# --- what cannot be read -------------------------------------------------------------------------------------------

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


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A sound row in which one value, however deep, is another."""
    row = json.loads(json.dumps(draw(st.sampled_from(SOUND))))
    at: Any = row
    while True:
        key = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if not (isinstance(at[key], dict | list) and at[key]) or draw(st.integers(0, 3)) == 0:
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


# --- real files, whole ---------------------------------------------------------------------------------------------


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
