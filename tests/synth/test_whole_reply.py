"""A long thought that a model wrote whole is read like a debate: its journeys give their decisions back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longthought.agents.problems import Problem
from longthought.agents.thoughts import Thought
from longthought.protocols.outcomes import Outcome
from longthought.protocols.transcript import LONG_THOUGHT, SeatUsage, Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.intake import taken_in
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.kto import Kto
from longthought.synth.derive.preference import Preference
from longthought.synth.derive.rejection import Rejection
from longthought.synth.derive.rows import Row
from longthought.synth.imports.journey_turns import journey_turns
from longthought.synth.imports.whole_reply import taken_apart
from longthought.synth.telling.phrases import load_phrases, name_of, with_reason
from tests.synth.scripted_runs import DETOURS, Script, play_run

BANK = load_phrases()


def whole(text: str, truncated: bool = False, kind: str = "solved") -> Transcript:
    """What a run of the protocol leaves of a reply."""
    return Transcript(
        run="r",
        protocol=LONG_THOUGHT,
        number=3,
        epoch=1,
        seed=7,
        problem=Problem(id="p", question="2+2?", gold="4"),
        thoughts=(Thought(id=1, parent=0, kind="conclusion", text=text, answer="4", truncated=truncated),),
        judgements=(),
        outcome=Outcome(kind=kind, answer="4"),
        turns=1,
        usage={"policy": SeatUsage(completion=9)},
    )


def _turns(transcript: Transcript) -> list[str]:
    kinds = [judgement.decision.kind for judgement in transcript.judgements]
    return [kind for kind in kinds if kind in ("backtrack", "reflect")]


def test_a_journey_gives_its_decisions_back(tmp_path: Path) -> None:
    play_run(tmp_path / "run", [DETOURS, Script(["2+2 is 4", "answer: 4"], ["continue", "terminate solved"])])
    for transcript in read_transcripts(tmp_path / "run"):
        message = Journey().message(transcript)
        assert not isinstance(message, Dropped)
        read = taken_apart(whole(message.text))
        assert _turns(read) == _turns(transcript)
        # What was asked, counted and scored stays; told as a journey again, it is the text that the model wrote.
        assert (read.outcome, read.usage, read.id) == (
            Outcome(kind="solved", answer="4"),
            whole("").usage,
            "p#1",
        )
        again = Journey().message(read)
        assert not isinstance(again, Dropped)
        assert again.text == message.text


_LISTS = [
    *(("backtrack", phrase) for phrase in (*BANK.backtrack_one_step, *BANK.backtrack_to_step)),
    *(("to problem", phrase) for phrase in BANK.backtrack_to_problem),
    *(("reflect", phrase) for phrase in BANK.reflect),
]


@given(
    st.sampled_from(_LISTS),
    st.sampled_from(["3*4 is 12, not 7", "Two is too much.", "is 6 right?", "12 is gone: 3 left", "no"]),
    st.sampled_from(["3-1=2 [2 5]", "take the second", "x" * 100]),
)
def test_every_phrase_is_known_with_its_reason_and_step(one: tuple[str, str], why: str, step: str) -> None:
    turning, phrase = one
    said = with_reason(phrase, why).replace("{step}", name_of(step))
    assert journey_turns().opening(said) == turning


@pytest.mark.parametrize(
    ("text", "truncated", "texts"),
    [
        (
            "<think>\nfour\n\nWait, is it?\n</think>\n\nAnswer: 4",
            False,
            ["four\n", "Wait, is it?", "Answer: 4"],
        ),
        ("Answer: 4", False, ["Answer: 4"]),
        ("<think>\n</think>\n\nAnswer: 4", False, ["Answer: 4"]),
        ("<think>\nfour\n\nWait", True, ["four\n", "Wait"]),
        ("a <think> within", False, ["a <think> within"]),
    ],
)
def test_replies_of_every_shape_are_read(text: str, truncated: bool, texts: list[str]) -> None:
    read = taken_apart(whole(text, truncated))
    assert [thought.text for thought in read.thoughts] == texts
    assert read.thoughts[-1].truncated is truncated
    assert Transcript.model_validate_json(read.model_dump_json()) == read


def test_an_empty_thought_and_other_protocols_stay_what_they_are() -> None:
    empty = whole("<think>\n</think>")
    assert taken_apart(empty) is empty
    debate = whole("Wait.").model_copy(update={"protocol": "debate"})
    assert taken_apart(debate) is debate


def test_exports_take_it_in_apart() -> None:
    taken = taken_in(
        whole("<think>\nfour\n\nWait, is it?\n</think>\n\nAnswer: 4"), informed=False, suspects=False
    )
    assert isinstance(taken, Transcript)
    assert _turns(taken) == ["reflect"]


@pytest.mark.parametrize(
    "kind", [Journey(), Rejection(n=9), Preference(), Kto()], ids=lambda kind: type(kind).__name__
)
def test_what_is_cut_is_learned_by_no_kind_and_a_hint_is_told_of(kind: Derivation) -> None:
    samples = [
        whole("<think>\nfour\n</think>\n\nAnswer: 4"),
        whole("<think>\nfive\n</think>\n\nAnswer: 5", kind="wrong"),
        whole("<think>\nAnswer: 4, or", truncated=True, kind="limit:tokens"),
        whole("<think>\nsix\n</think>\n\nAnswer: 4", truncated=True, kind="limit:tokens"),
    ]
    hinted = whole("<think>\ntold\n</think>\n\nAnswer: 4")
    told = (hinted.thoughts[0].model_copy(update={"informed": True}),)
    samples.append(hinted.model_copy(update={"thoughts": told}))
    taken = [taken_in(each, informed=True, suspects=False) for each in samples]
    rows = [row for row in kind.rows([t for t in taken if isinstance(t, Transcript)]) if isinstance(row, Row)]
    assert rows
    for row in rows:
        text = row.model_dump_json()
        assert not re.search("six|4, or", text)
        assert row.informed == ("told" in text)
    assert taken_in(samples[-1], informed=False, suspects=False) == "informed"
