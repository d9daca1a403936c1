from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from longthought.agents.errors import UsageError
from longthought.agents.readings import Reading
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.kinds import derivation
from longthought.synth.derive.rows import PreferenceRow
from longthought.synth.derive.step_preference import StepPreference
from longthought.synth.telling.thought_tags import ThoughtTags
from tests.synth.scripted_runs import DETOURS, Script, transcript_of

#: Two tries at the problem and two at the answer; the second of each is right.
FORKS = Script(
    ["2+2 is 5", "2+2 is 4", "answer: 5", "answer: 4"],
    ["backtrack 0: no sum", "continue", "backtrack 1: not what it says", "terminate solved"],
)


def pairs(kind: Derivation, *samples: Transcript) -> list[PreferenceRow]:
    return [row for row in kind.rows(samples) if isinstance(row, PreferenceRow)]


def reasons(kind: Derivation, *samples: Transcript) -> list[str]:
    return [row.reason for row in kind.rows(samples) if isinstance(row, Dropped)]


def read(transcript: Transcript, readings: dict[int, Reading]) -> Transcript:
    """The debate with one reading of some of its thoughts."""
    judgements = tuple(
        judgement.model_copy(
            update={"readings": (readings[judgement.thought],) if judgement.thought in readings else ()}
        )
        for judgement in transcript.judgements
    )
    return transcript.model_copy(update={"judgements": judgements})


def test_at_each_fork_the_right_step_stands_against_the_wrong_one(tmp_path: Path) -> None:
    first, second = pairs(StepPreference(), transcript_of(tmp_path, FORKS))
    assert first.prompt == [{"role": "user", "content": "p: 2+2?"}]
    assert first.chosen == [{"role": "assistant", "content": "<think>\n2+2 is 4"}]
    assert first.rejected == [{"role": "assistant", "content": "<think>\n2+2 is 5"}]
    assert (first.chosen_finished, first.rejected_finished) == (False, False)
    assert (
        second.chosen[0]["content"],
        second.rejected[0]["content"],
    ) == (
        "<think>\n2+2 is 4\nanswer: 4\n</think>\n\nAnswer: 4",
        "<think>\n2+2 is 4\nanswer: 5\n</think>\n\nAnswer: 5",
    )
    assert (second.chosen_finished, second.rejected_finished) == (True, True)
    shared = second.chosen[0]["content"][: second.shared]
    assert shared == "<think>\n2+2 is 4\n", "the steps before the fork, and nothing of what differs"


def test_the_finished_tree_says_which_step_was_wrong(tmp_path: Path) -> None:
    # The critic let 3-1 stand at first; the debate went back past it and found its end elsewhere.
    (row,) = pairs(StepPreference(), transcript_of(tmp_path, DETOURS))
    assert row.id == "p#0/5>1"
    assert row.rejected[0]["content"].endswith("3-1 is 2")


def test_no_pair_below_a_wrong_step_nor_without_both_sides(tmp_path: Path) -> None:
    below = Script(
        ["2+2 is 5", "so 5", "so 6", "2+2 is 4", "answer: 4"],
        ["continue", "backtrack 1: no", "backtrack 0: no sum", "continue", "terminate solved"],
    )
    kind = StepPreference()
    transcript = transcript_of(tmp_path / "below", below)
    assert [row.id for row in pairs(kind, transcript)] == ["p#0/4>1"]
    assert reasons(kind, transcript) == ["a fork without a right and a wrong step"]
    straight = Script(["answer: 4"], ["terminate solved"])
    assert reasons(kind, transcript_of(tmp_path / "straight", straight)) == ["no fork"]


def test_nothing_is_right_on_the_way_to_a_refused_answer(tmp_path: Path) -> None:
    refused = Script(
        ["2+2 is 6", "2+2 is 5", "answer: 5"], ["backtrack 0: no", "continue", "terminate solved"]
    )
    kind, transcript = StepPreference(), transcript_of(tmp_path, refused)
    assert pairs(kind, transcript) == []
    assert reasons(kind, transcript) == ["a fork with fewer than two steps to compare"]


def test_readings_rank_the_steps_and_what_is_unscored_never_counts_as_zero(tmp_path: Path) -> None:
    three = Script(
        ["a", "b", "c", "answer: 4"],
        ["backtrack 0: no", "backtrack 0: no", "continue", "terminate solved"],
    )
    transcript = transcript_of(tmp_path, three)
    by = StepPreference(by="reading", reward="rule")
    values = {1: 0.9, 2: 0.2, 3: 0.6}
    scored = read(transcript, {t: Reading(reward="rule", value=v) for t, v in values.items()})
    (row,) = pairs(by, scored)
    assert row.id == "p#0/1>2", "the reward's word, not the critic's"
    unscored = {
        1: Reading(reward="rule", why="nothing to check"),
        2: Reading(reward="rule", value=0.2),
        3: Reading(reward="rule", missing=True, why="down"),
    }
    assert reasons(by, read(transcript, unscored)) == ["a fork with fewer than two steps to compare"]
    others = {t: Reading(reward="other", value=v) for t, v in values.items()}
    assert pairs(by, read(transcript, others)) == []
    labels = {1: Reading(reward="rule", label="wrong"), 3: Reading(reward="rule", label="right")}
    assert [row.id for row in pairs(by, read(transcript, labels))] == ["p#0/3>1"]


def test_a_margin_keeps_steps_apart(tmp_path: Path) -> None:
    readings = {1: Reading(reward="rule", value=0.5), 2: Reading(reward="rule", value=0.75)}
    transcript = read(transcript_of(tmp_path, FORKS), readings)
    wide, narrow = (StepPreference(by="reading", reward="rule", margin=margin) for margin in (0.3, 0.25))
    assert len(pairs(narrow, transcript)) == 1
    assert "a fork whose steps are read as too close" in reasons(wide, transcript)
    same = {thought: Reading(reward="rule", value=0.5) for thought in (1, 2)}
    assert "a fork whose steps are read as too close" in reasons(
        StepPreference(by="reading", reward="rule"), read(transcript, same)
    )


def test_a_reward_and_readings_go_together() -> None:
    with pytest.raises(UsageError, match=r"step_preference: .*`by: reading` and `reward`") as error:
        derivation("step_preference", {"by": "reading"})
    assert "\n" not in str(error.value)
    with pytest.raises(UsageError, match="go together"):
        derivation("step_preference", {"reward": "rule"})


def test_tags_stand_in_the_shared_part(tmp_path: Path) -> None:
    bare = StepPreference(tags=ThoughtTags(open="", close="\n"))
    first, second = pairs(bare, transcript_of(tmp_path, FORKS))
    assert first.shared == 0
    assert second.chosen[0]["content"] == "2+2 is 4\nanswer: 4\nAnswer: 4"
    assert second.shared == len("2+2 is 4\n")


def test_a_row_whose_sides_do_not_begin_alike_is_refused(tmp_path: Path) -> None:
    (row, _) = pairs(StepPreference(), transcript_of(tmp_path, FORKS))
    with pytest.raises(ValidationError, match="do not begin with the same 17 characters"):
        PreferenceRow.model_validate({**row.model_dump(), "shared": 17})
