from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

import pytest

from longthought.agents.models.contract import Message, Reply
from longthought.agents.seats.context import ContextKind
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.dialogue import Dialogue
from longthought.synth.derive.rows import RowMessage, SftRow
from tests.synth.scripted_runs import DETOURS, Script, play_run, transcript_of


def rows(dialogue: Dialogue, transcript: Transcript) -> list[SftRow]:
    return [row for row in dialogue.rows([transcript]) if isinstance(row, SftRow)]


def learned(row: SftRow) -> list[str]:
    return [m["content"] for m, trained in zip(row.messages, row.trained, strict=True) if trained]


def test_shared_thread_word_for_word(tmp_path: Path) -> None:
    (row,) = rows(Dialogue(context="shared", prompts="terse"), transcript_of(tmp_path, DETOURS))
    said = [
        ("user", "p: 2+2?\n\nP", False),
        ("assistant", "3-1 is 2", False),
        ("user", "C", False),
        ("assistant", "continue", False),
        ("user", "P", False),
        ("assistant", "2*3 is 7", False),
        ("user", "C", False),
        ("assistant", "backtrack 1: 2*3 is not 7", True),
        ("user", "P 1 3-1 is 2", False),
        ("assistant", "2*3 is 6", False),
        ("user", "C", False),
        ("assistant", "reflect: can 6 still become 4?", True),
        ("user", "R", False),
        ("assistant", "6 is too much already", False),
        ("user", "C", False),
        ("assistant", "backtrack 0: no way down from 6", True),
        ("user", "P 0", False),
        ("assistant", "2+2 is 4", True),
        ("user", "C", False),
        ("assistant", "continue", True),
        ("user", "P", False),
        ("assistant", "answer: 4", True),
        ("user", "C", False),
        ("assistant", "terminate solved", True),
    ]
    assert [(m["role"], m["content"], t) for m, t in zip(row.messages, row.trained, strict=True)] == said
    assert row.id == "p#0"


def test_one_row_per_seat_with_its_own_turns(tmp_path: Path) -> None:
    policy, critic = rows(Dialogue(), transcript_of(tmp_path, DETOURS))
    assert (policy.id, critic.id) == ("p#0/policy", "p#0/critic")
    assert learned(policy) == ["2+2 is 4", "answer: 4"]
    # The first verdict let a step pass that the debate later went back past.
    assert learned(critic) == list(DETOURS.verdicts)[1:]
    assert [m["role"] for m in critic.messages[:3]] == ["system", "user", "assistant"]


def test_what_led_back_can_be_learned_too(tmp_path: Path) -> None:
    transcript = transcript_of(tmp_path, DETOURS)
    (plain, ends, reflections) = (
        learned(rows(dialogue, transcript)[0])
        for dialogue in (
            Dialogue(seats="policy"),
            Dialogue(seats="policy", learn_dead_ends=True),
            Dialogue(seats="policy", learn_reflections=True),
        )
    )
    assert plain == ["2+2 is 4", "answer: 4"]
    # Not the step that was reflected on, which is wrong in itself, nor the one that was left later.
    assert ends == ["2*3 is 7", *plain]
    assert reflections == ["6 is too much already", *plain]


@pytest.mark.parametrize("kind", ["shared", "per_seat"])
@pytest.mark.parametrize("prompts", ["default", "terse"])
@pytest.mark.parametrize("conclude_at", [1.0, 0.5])
def test_a_row_is_what_the_seats_were_shown_live(
    tmp_path: Path, kind: ContextKind, prompts: str, conclude_at: float
) -> None:
    policy, critic = play_run(
        tmp_path, [DETOURS], kind=kind, prompts=prompts, turns=8, conclude_at=conclude_at
    )
    (transcript,) = read_transcripts(tmp_path)
    # Concluding is asked for at the end of the debate, but not where a reflection was.
    assert [t.id for t in transcript.thoughts if t.concluding] == ([] if conclude_at == 1.0 else [5, 6])
    made = rows(Dialogue(context=kind, prompts=prompts), transcript)
    for row, seat in zip((made[0], made[-1]), (policy, critic), strict=True):
        asked = list(seat.requests[-1][0])
        assert all(isinstance(message, Message) for message in asked)
        shown: list[RowMessage] = row.messages[: len(asked)]
        assert [(m["role"], m["content"]) for m in shown] == [
            (m.role, m.content) for m in asked if isinstance(m, Message)
        ]


@pytest.mark.parametrize(("seats", "says"), [("policy", "2+2 is 4"), ("critic", "continue")])
def test_one_seat_only(tmp_path: Path, seats: str, says: str) -> None:
    transcript = transcript_of(tmp_path, DETOURS)
    for context in ("shared", "per_seat"):
        (row,) = rows(Dialogue.model_validate({"seats": seats, "context": context}), transcript)
        assert says in learned(row)
        assert not {"2+2 is 4", "continue"} - {says} & set(learned(row))


def test_without_the_mask_wrong_steps_are_learned_too(tmp_path: Path) -> None:
    policy, _ = rows(Dialogue(mask="all"), transcript_of(tmp_path, DETOURS))
    assert learned(policy) == list(DETOURS.steps)


def test_only_the_recovery(tmp_path: Path) -> None:
    policy, critic = rows(Dialogue(mask="recovery-only"), transcript_of(tmp_path, DETOURS))
    assert learned(policy) == ["2+2 is 4"]
    assert learned(critic) == [
        verdict for verdict in DETOURS.verdicts if verdict.startswith(("back", "reflect"))
    ]


def test_truncated_thoughts_are_never_learned(tmp_path: Path) -> None:
    script = Script([Reply("2+2 i", finish="length"), "answer: 4"], ["continue", "terminate solved"])
    transcript = transcript_of(tmp_path, script)
    for kind in (Dialogue(mask="all"), Dialogue()):
        policy, _ = rows(kind, transcript)
        assert learned(policy) == ["answer: 4"]


def test_replies_that_were_asked_again_are_not_in_the_row(tmp_path: Path) -> None:
    script = Script(
        ["2+1 is 3", "2+1 is 3", *["2+1 is 3"] * 3, "answer: 4"],
        ["backtrack 0: not needed", "hm, let me see", "terminate solved"],
    )
    transcript = transcript_of(tmp_path, script)
    assert len(transcript.asked_again) == 2
    text = str([row.messages for row in rows(Dialogue(), transcript)])
    assert "let me see" not in text
    assert text.count("2+1 is 3") == 2  # once as policy, once shown to the critic
    assert "was tried here before" not in text


def test_a_refused_conclusion_and_an_unjudged_step_are_not_learned(tmp_path: Path) -> None:
    wrong = transcript_of(tmp_path / "a", Script(["2+2 is 5", "answer: 5"], ["continue", "terminate solved"]))
    policy, _ = rows(Dialogue(), wrong)
    assert learned(policy) == ["2+2 is 5"]
    junk = Script(["2+2 is 4", "so 4"], ["continue", "hm", "hm", "hm"])
    transcript = transcript_of(tmp_path / "b", junk)
    assert transcript.outcome.kind == "error:unreadable_verdict"
    policy, critic = rows(Dialogue(), transcript)
    assert (learned(policy), learned(critic)) == (["2+2 is 4"], ["continue"])
    assert critic.messages[-1] == {"role": "assistant", "content": "continue"}


def test_a_debate_that_ended_before_its_first_verdict_teaches_nothing(tmp_path: Path) -> None:
    transcript = transcript_of(tmp_path, Script(["so 4"], ["hm", "hm", "hm"]))
    made = list(Dialogue().rows([transcript]))
    assert made == [Dropped("policy: nothing to learn from"), Dropped("critic: nothing to learn from")]


def test_giving_up_says_nothing_against_the_step_before(tmp_path: Path) -> None:
    script = Script(["2+2 is 4"], ["terminate give_up: no time"])
    policy, _ = rows(Dialogue(), transcript_of(tmp_path, script))
    assert learned(policy) == ["2+2 is 4"]


def test_a_manifest_tells_prompts_of_ones_own_by_what_they_say(tmp_path: Path) -> None:
    for name in ("here", "there"):
        shutil.copytree(str(resources.files("longthought.agents.prompts")), tmp_path / name / "mine")
    here, there = (Dialogue(prompts=str(tmp_path / name / "mine")).account() for name in ("here", "there"))
    assert here == there
    assert here["prompts"]["name"] == "mine"
    (next((tmp_path / "there" / "mine").glob("*.md"))).write_text("something else")
    assert Dialogue(prompts=str(tmp_path / "there" / "mine")).account() != here
    assert Dialogue().account()["prompts"] == "default"
