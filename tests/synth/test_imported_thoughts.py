from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longthought.agents.decisions import Backtrack, Reflect
from longthought.agents.errors import UsageError
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.kinds import KINDS, derivation
from longthought.synth.derive.rows import SftRow, StepRow
from longthought.synth.derive.shortcut import Shortcut
from longthought.synth.imports.segments import segments
from longthought.synth.imports.turns_of_mind import load_turns
from longthought.synth.telling.masks import Mask
from tests.synth.imported import THOUGHT, message, one, read

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


def test_code_between_fences_is_one_step_and_code_in_a_line_opens_no_fence() -> None:
    fenced = "So:\n```python\nx = 1\n\ny = 2\n```\n\nWait."
    assert segments(fenced, lambda _: False) == ["So:\n```python\nx = 1\n\ny = 2\n```\n", "Wait."]
    assert segments("```x = 1```\n\nThen\n\nWait.", lambda _: False) == ["```x = 1```\n", "Then\n", "Wait."]


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
