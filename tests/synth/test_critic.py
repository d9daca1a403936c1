from __future__ import annotations

from pathlib import Path

from longthought.agents.decisions import Backtrack, Continue, Terminate
from longthought.synth.derive.critic import Critic
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.hindsight import NO_REASON, hindsight
from longthought.synth.derive.kinds import derivation
from longthought.synth.derive.rows import SftRow
from tests.synth.scripted_runs import DETOURS, Script, transcript_of


def learned(row: object) -> list[str]:
    """The messages that carry loss."""
    assert isinstance(row, SftRow)
    return [m["content"] for m, trained in zip(row.messages, row.trained, strict=True) if trained]


def test_the_tree_says_what_was_right_not_the_critic(tmp_path: Path) -> None:
    # 1 let stand and left later, 2 and 3 below it, 4 a reflection; 5 and 6 are the way to the answer
    deserved = hindsight(transcript_of(tmp_path, DETOURS))
    assert deserved == {
        1: Backtrack(to=0, why="no way down from 6"),
        5: Continue(),
        6: Terminate(reason="solved"),
    }
    (row_1, row_6) = Critic().rows([transcript_of(tmp_path / "again", DETOURS)])
    assert learned(row_1) == ["backtrack 0: no way down from 6"]
    assert learned(row_6) == ["continue", "terminate solved"]
    assert isinstance(row_6, SftRow)
    shown = [m["content"] for m in row_6.messages if m["role"] == "user"]
    assert not any("3-1 is 2" in text for text in shown), "dead branches are not shown"


def test_a_needless_reflection_was_worth_a_continue(tmp_path: Path) -> None:
    script = Script(
        ["2+2 is 4", "it is, by counting", "answer: 4"],
        ["reflect: is it?", "continue", "terminate solved"],
    )
    rows = list(Critic().rows([transcript_of(tmp_path, script)]))
    assert list(map(learned, rows)) == [["continue"], ["continue", "terminate solved"]]
    reflected = rows[1]
    assert isinstance(reflected, SftRow)
    assert "reflect: is it?" in [m["content"] for m in reflected.messages], "the walk is shown as it was"


def test_a_refused_answer_goes_back_to_its_parent(tmp_path: Path) -> None:
    script = Script(["2+2 is 5", "answer: 5"], ["continue", "terminate solved"])
    transcript = transcript_of(tmp_path, script)
    assert hindsight(transcript) == {2: Backtrack(to=1, why="the answer 5 is wrong")}
    (row,) = Critic().rows([transcript])
    assert learned(row) == ["backtrack 1: the answer 5 is wrong"]
    assert isinstance(row, SftRow)
    assert not row.informed


def test_what_was_told_is_marked_informed(tmp_path: Path) -> None:
    script = Script(
        ["answer: 5", "I cannot add", "answer: 4"],
        ["terminate solved", "backtrack 0: no", "terminate solved"],
    )
    transcript = transcript_of(tmp_path, script, tell=True)
    assert hindsight(transcript) == {
        1: Backtrack(to=0, why="the answer 5 is wrong"),
        3: Terminate(reason="solved"),
    }
    for row in Critic().rows([transcript]):
        assert isinstance(row, SftRow)
        assert row.informed


def test_a_way_back_without_a_reason_gets_one(tmp_path: Path) -> None:
    silent = transcript_of(tmp_path, Script(["hm", "answer: 4"], ["backtrack 0: x", "terminate solved"]))
    first = silent.judgements[0].model_copy(update={"decision": Backtrack(to=0, why=" ")})
    silent = silent.model_copy(update={"judgements": (first, *silent.judgements[1:])})
    assert hindsight(silent)[1] == Backtrack(to=0, why=NO_REASON)


def test_nothing_is_known_without_an_end(tmp_path: Path) -> None:
    script = Script(["2*2 is 4", "no"], ["backtrack 0: no", "terminate give_up"])
    assert list(Critic().rows([transcript_of(tmp_path, script)])) == [Dropped("no verdict to learn")]


def test_the_critics_own_verdicts_where_they_led_to_the_answer(tmp_path: Path) -> None:
    own = derivation("critic", {"labels": "decisions"})
    rows = list(own.rows([transcript_of(tmp_path / "right", DETOURS)]))
    said = sorted(text for row in rows for text in learned(row))
    assert said == sorted(DETOURS.verdicts)
    wrong = Script(["answer: 5"], ["terminate solved"])
    assert list(own.rows([transcript_of(tmp_path / "wrong", wrong)])) == [Dropped("no verdict to learn")]


def test_a_shared_thread_learns_the_same_verdicts(tmp_path: Path) -> None:
    transcript = transcript_of(tmp_path, DETOURS)
    shared = derivation("critic", {"context": "shared", "prompts": "terse"})
    assert [learned(row) for row in shared.rows([transcript])] == [
        learned(row) for row in Critic().rows([transcript])
    ]
