from __future__ import annotations

from pathlib import Path

from longthought.agents.models.contract import Reply
from longthought.agents.models.scripted import ScriptedModel
from longthought.agents.problems import Problem
from longthought.agents.prompts import Prompts
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward
from longthought.agents.seats.context import Context
from longthought.agents.seats.policy import PolicyAgent
from longthought.agents.thoughts import Path as PathOfThoughts
from longthought.protocols.best_of_n import BestOfN
from longthought.protocols.journal import Journal
from longthought.protocols.runner import Assignment, run_debates
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.dialogue import Dialogue
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.kinds import derivation
from longthought.synth.derive.rows import OutcomeRow, SftRow, StepRow
from longthought.synth.derive.shortcut import Shortcut
from longthought.synth.derive.step_labels import StepLabels
from tests.protocols.scripted_debates import LastWord
from tests.synth.scripted_runs import DETOURS, Script, transcript_of


class FourIsRight(Reward):
    name = "four"

    async def read(self, path: PathOfThoughts) -> Reading:
        return Reading(reward=self.name, value=float(path.answer == "4"))


def labelled(transcript: Transcript) -> dict[str, list[tuple[str, bool]]]:
    return {
        row.id: list(zip(row.completions, row.labels, strict=True))
        for row in StepLabels().rows([transcript])
        if isinstance(row, StepRow)
    }


async def test_best_of_n_has_no_critic_to_learn_from_but_a_shortcut(tmp_path: Path) -> None:
    policy = PolicyAgent(
        ScriptedModel(["2+2 is 4", "answer: 4", "2+2 is 5", "answer: 5"]), Context(Prompts("default"))
    )
    journal = Journal(tmp_path)
    todo = [Assignment(0, Problem(id="p", question="2+2?", gold="4"), 0, 0)]
    await run_debates(todo, BestOfN(policy, FourIsRight(), LastWord(), n=2), journal)
    journal.close()
    (transcript,) = read_transcripts(tmp_path)
    assert transcript.right
    assert (
        list(StepLabels().rows([transcript]))
        == list(Dialogue().rows([transcript]))
        == [Dropped("not a debate")]
    )
    for kind in ("critique", "splice", "step_preference"):
        assert list(derivation(kind).rows([transcript])) == [Dropped("not a debate")]
    (labelled_answer,) = derivation("outcome_labels").rows([transcript])
    assert isinstance(labelled_answer, OutcomeRow)
    assert (labelled_answer.completions, labelled_answer.answer_right) == (["2+2 is 4", "answer: 4"], True)
    assert list(Journey().rows([transcript])) == [Dropped("did not end where its answer stands")]
    (row,) = Shortcut().rows([transcript])
    assert isinstance(row, SftRow)
    assert row.messages[1]["content"] == "<think>\n2+2 is 4\nanswer: 4\n</think>\n\nAnswer: 4"


def test_every_path_up_to_its_first_wrong_step(tmp_path: Path) -> None:
    assert labelled(transcript_of(tmp_path, DETOURS)) == {
        "p#0/2": [("3-1 is 2", True), ("2*3 is 7", False)],
        "p#0/3": [("3-1 is 2", True), ("2*3 is 6", False)],
        "p#0/6": [("2+2 is 4", True), ("answer: 4", True)],
    }


def test_a_refused_answer_is_wrong_whatever_the_critic_thought(tmp_path: Path) -> None:
    script = Script(["2+2 is 5", "answer: 5"], ["continue", "terminate solved"])
    assert labelled(transcript_of(tmp_path, script)) == {"p#0/2": [("2+2 is 5", True), ("answer: 5", False)]}


def test_an_unjudged_or_truncated_step_ends_the_path(tmp_path: Path) -> None:
    unjudged = Script(["2+2 is 4", "so 4"], ["continue", "hm", "hm", "hm"])
    assert labelled(transcript_of(tmp_path / "a", unjudged)) == {"p#0/1": [("2+2 is 4", True)]}
    cut = Script([Reply("2+", finish="length"), "answer: 4"], ["backtrack 0: cut off", "terminate solved"])
    transcript = transcript_of(tmp_path / "b", cut)
    assert labelled(transcript) == {"p#0/2": [("answer: 4", True)]}
    assert Dropped("no judged step") in list(StepLabels().rows([transcript]))


def test_paths_below_one_wrong_step_are_one_row(tmp_path: Path) -> None:
    script = Script(
        ["2*3 is 6", "too much", "still too much", "answer: 4"],
        ["reflect: sure?", "backtrack 1: vague", "backtrack 0: no", "terminate solved"],
    )
    transcript = transcript_of(tmp_path, script)
    assert labelled(transcript) == {"p#0/1": [("2*3 is 6", False)], "p#0/4": [("answer: 4", True)]}
    assert Dropped("same as another path") in list(StepLabels().rows([transcript]))


def test_a_shortcut_masks_what_a_journey_masks_of_it(tmp_path: Path) -> None:
    script = Script(["2+2 is 5", "no, 4", "answer: 4"], ["reflect: is it?", "continue", "terminate solved"])
    transcript = transcript_of(tmp_path, script)
    (row,) = Shortcut(mask="drop-wrong").rows([transcript])
    assert isinstance(row, SftRow)
    text = row.messages[1]["content"]
    spans = [text[span["start"] : span["end"]] for span in row.masked]
    assert "2+2 is 5" in "".join(spans)
    assert "answer: 4" not in "".join(spans)
