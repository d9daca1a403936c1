from __future__ import annotations

from pathlib import Path

import pytest

from longthought.agents.errors import UsageError
from longthought.agents.models.contract import Reply
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.preference import Preference
from longthought.synth.derive.rows import PreferenceRow, SftRow
from longthought.synth.derive.shortcut import Shortcut
from longthought.synth.telling.phrases import load_phrases, name_of, with_reason
from longthought.synth.telling.thought_tags import ThoughtTags
from tests.synth.scripted_runs import DETOURS, Script, transcript_of

WRONG = Script(["answer: 5"], ["terminate solved"])


def one(derivation: Derivation, *samples: Transcript) -> SftRow:
    (row,) = derivation.rows(samples)
    assert isinstance(row, SftRow)
    return row


def reasons(derivation: Derivation, *samples: Transcript) -> list[str]:
    return [row.reason for row in derivation.rows(samples) if isinstance(row, Dropped)]


def test_journey_word_for_word(tmp_path: Path) -> None:
    row = one(Journey(), transcript_of(tmp_path, DETOURS))
    assert row.model_dump() == {
        "id": "p#0",
        "problem": "p",
        "run": tmp_path.name,
        "outcome": "solved",
        "informed": False,
        "messages": [
            {"role": "user", "content": "p: 2+2?"},
            {
                "role": "assistant",
                "content": (
                    "<think>\n"
                    "3-1 is 2\n"
                    "2*3 is 7\n"
                    'Hold on, 2*3 is not 7. Alternatively, from "3-1 is 2":\n'
                    "2*3 is 6\n"
                    "Before I go on: can 6 still become 4?\n"
                    "6 is too much already\n"
                    "Hmm, no way down from 6; let me start over and try something else.\n"
                    "2+2 is 4\n"
                    "answer: 4\n"
                    "Good, that works.\n"
                    "</think>\n"
                    "\n"
                    "Answer: 4"
                ),
            },
        ],
        "trained": [False, True],
        "masked": [],
    }


def test_shortcut_is_the_final_path_only(tmp_path: Path) -> None:
    row = one(Shortcut(), transcript_of(tmp_path, DETOURS))
    assert row.messages[1]["content"] == "<think>\n2+2 is 4\nanswer: 4\n</think>\n\nAnswer: 4"


def test_tags_are_configurable(tmp_path: Path) -> None:
    tags = ThoughtTags(open="", close="\n", answer="#### {answer}")
    row = one(Shortcut(tags=tags), transcript_of(tmp_path, DETOURS))
    assert row.messages[1]["content"] == "2+2 is 4\nanswer: 4\n#### 4"


def test_another_seed_takes_other_phrases(tmp_path: Path) -> None:
    transcript = transcript_of(tmp_path, DETOURS)
    assert len({one(Journey(seed=seed), transcript).messages[1]["content"] for seed in range(6)}) > 1


def test_unsolved_debates_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    wrong = transcript_of(tmp_path, WRONG)
    assert reasons(Journey(), wrong) == reasons(Shortcut(), wrong) == ["not solved"]
    assert one(Journey(solved_only=False), wrong).messages[1]["content"].endswith("</think>\n\nAnswer: 5")


def test_a_truncated_thought_spoils_the_text_it_stands_in(tmp_path: Path) -> None:
    cut = Script([Reply("2+", finish="length"), "answer: 4"], ["backtrack 0: cut off", "terminate solved"])
    transcript = transcript_of(tmp_path, cut)
    assert reasons(Journey(), transcript) == ["a truncated thought"]
    assert reasons(Shortcut(), transcript) == []


def test_text_with_a_thought_tag_is_left_out(tmp_path: Path) -> None:
    fake = Script(["so </think> it is", "answer: 4"], ["continue", "terminate solved"])
    assert reasons(Journey(), transcript_of(tmp_path, fake)) == ["the text holds a thought tag"]


def test_a_told_debate_says_that_the_answer_was_wrong_and_is_informed(tmp_path: Path) -> None:
    script = Script(
        ["answer: 5", "5 is one too many", "answer: 4"],
        ["terminate solved", "backtrack 0: miscounted", "terminate solved"],
    )
    row = one(Journey(), transcript_of(tmp_path, script, tell=True))
    lines = row.messages[1]["content"].split("\n")
    assert row.informed
    assert lines[2] in load_phrases().wrong_answer
    assert lines[3] == "5 is one too many"


@pytest.mark.parametrize(
    ("phrase", "why", "text"),
    [
        ("Wait, {why}; back to {step}.", "7 is odd", "Wait, 7 is odd; back to {step}."),
        ("Wait, {why}; back to {step}.", "The sum is off.", "Wait. The sum is off. Back to {step}."),
        ("Let me check: {why}.", "does it hold?", "Let me check: does it hold?"),
        ("Wait, {why}.", "A is wrong", "Wait, A is wrong."),
        ("Hmm, {why}; again.", "{step} {why} {}", "Hmm, {step} {why} {}; again."),
    ],
)
def test_reasons_keep_their_words(phrase: str, why: str, text: str) -> None:
    assert with_reason(phrase, why) == text


def test_long_steps_are_named_by_their_beginning() -> None:
    assert name_of("2+2=4\nso 4") == '"2+2=4"'
    assert name_of("word " * 40) == '"' + ("word " * 16).strip() + '…"'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("reflect: []", "at least 1"),
        ("- a", "valid dictionary"),
        ("a: [", "not YAML"),
        ("reflect: [x]", "Field required"),
    ],
)
def test_a_broken_phrase_bank_is_one_clear_line(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as error:
        load_phrases(str(file))
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_phrase_without_its_place_is_named(tmp_path: Path) -> None:
    lists = {name: list(getattr(load_phrases(), name)) for name in type(load_phrases()).model_fields}
    file = tmp_path / "own.yaml"
    file.write_text(repr({**lists, "reflect": ["Hmm."]}))
    with pytest.raises(UsageError, match=r"reflect: 'Hmm\.' needs \{why\} exactly once"):
        load_phrases(str(file))


# --- preference ---------------------------------------------------------------------------------------------


def samples(tmp_path: Path, right: int, wrong: int) -> list[Transcript]:
    scripts = [
        Script([f"try {i}", "answer: 4"], ["continue", "terminate solved"], epoch=i) for i in range(right)
    ]
    scripts += [
        Script([f"try {i}", "answer: 5"], ["continue", "terminate solved"], epoch=right + i)
        for i in range(wrong)
    ]
    return [transcript_of(tmp_path / str(i), script) for i, script in enumerate(scripts)]


def pairs(derivation: Derivation, of: list[Transcript]) -> list[PreferenceRow]:
    return [row for row in derivation.rows(of) if isinstance(row, PreferenceRow)]


def test_right_samples_stand_against_wrong_ones(tmp_path: Path) -> None:
    rows = pairs(Preference(of="shortcut", pairs=2), samples(tmp_path, 4, 3))
    assert len(rows) == len({row.id for row in rows}) == 2
    for row in rows:
        assert row.prompt == [{"role": "user", "content": "p: 2+2?"}]
        assert row.chosen[0]["content"].endswith("Answer: 4")
        assert row.rejected[0]["content"].endswith("Answer: 5")
        assert row.outcome == "solved>wrong"


def test_no_more_pairs_than_the_rarer_side(tmp_path: Path) -> None:
    assert len(pairs(Preference(pairs=9), samples(tmp_path, 3, 1))) == 1


def test_the_draw_depends_on_the_seed_only(tmp_path: Path) -> None:
    of = samples(tmp_path, 6, 6)
    draws = [[row.id for row in pairs(Preference(pairs=3, seed=seed), of)] for seed in (0, 0, 1, 2)]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2] or draws[0] != draws[3]


def test_samples_without_a_verdict_on_their_answer_stand_on_no_side(tmp_path: Path) -> None:
    gave_up = transcript_of(tmp_path / "x", Script(["hm"], ["terminate give_up: no idea"], epoch=9))
    of = [*samples(tmp_path, 1, 0), gave_up]
    assert reasons(Preference(), *of) == [
        "neither right nor wrong",
        "a problem without a right and a wrong sample",
    ]
