from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from longthought.agents.decisions import Backtrack, Reflect, Terminate
from longthought.agents.verdict_format import read_verdict, write_verdict
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.hindsight import hindsight
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.kinds import KINDS, derivation
from longthought.synth.derive.rows import PreferenceRow, Row, SftRow, StepRow
from longthought.synth.derive.shortcut import Shortcut, direct_path
from tests.synth.random_debates import debates


@settings(max_examples=60, deadline=None)
@given(debates())
def test_every_row_of_any_debate_is_sound(samples: list[Transcript]) -> None:
    for options in (
        {},
        {"context": "shared"},
        {"mask": "all"},
        {"context": "shared", "prompts": "terse"},
    ):
        for row in derivation("dialogue", options).rows(samples):
            if isinstance(row, SftRow):
                for message, trained in zip(row.messages, row.trained, strict=True):
                    assert not trained or message["role"] == "assistant"
                roles = [message["role"] for message in row.messages if message["role"] != "system"]
                assert roles == ["user", "assistant"] * (len(roles) // 2)
    for row in derivation("step_labels").rows(samples):
        if isinstance(row, StepRow):
            assert row.completions
            assert all(row.labels[:-1])
    for row in derivation("preference").rows(samples):
        if isinstance(row, PreferenceRow):
            assert row.chosen != row.rejected


@settings(max_examples=60, deadline=None)
@given(debates())
def test_a_journey_keeps_every_word_and_a_shortcut_only_the_path(samples: list[Transcript]) -> None:
    for transcript in samples:
        for row in Journey().rows([transcript]):
            if isinstance(row, SftRow):
                _in_order(transcript, row.messages[1]["content"])
        for row in Shortcut().rows([transcript]):
            if isinstance(row, SftRow):
                steps = "\n".join(thought.text for thought in direct_path(transcript))
                assert (
                    row.messages[1]["content"]
                    == f"<think>\n{steps}\n</think>\n\nAnswer: {transcript.outcome.answer}"
                )


def _in_order(transcript: Transcript, text: str) -> None:
    """Each thought and then the reason of its decision stand in the text, one after the other."""
    at = 0
    for turn in transcript.walk:
        said = [turn.thought.text]
        if isinstance(turn.decision, Backtrack | Reflect):
            said.append(turn.decision.why)
        for words in said:
            at = text.index(words, at) + len(words)
    assert text.index(f"</think>\n\nAnswer: {transcript.outcome.answer}", at)


@settings(max_examples=60, deadline=None)
@given(debates(), st.sampled_from(["hindsight", "decisions"]), st.sampled_from(["shared", "per_seat"]))
def test_a_critic_learns_each_known_verdict_once(samples: list[Transcript], labels: str, kind: str) -> None:
    for transcript in samples:
        known = hindsight(transcript)
        if transcript.right:
            assert {thought.id for thought in transcript.final_path} - set(transcript.told_wrong) <= {
                thought for thought, verdict in known.items() if not isinstance(verdict, Backtrack)
            }
            assert known[transcript.final_path[-1].id] == Terminate(reason="solved")
        else:
            assert all(isinstance(verdict, Backtrack) for verdict in known.values())
        if labels == "decisions":
            known = {j.thought: j.decision for j in transcript.judgements} if transcript.right else {}
        rows = derivation("critic", {"labels": labels, "context": kind}).rows([transcript])
        made = [row for row in rows if isinstance(row, SftRow)]
        assert len({row.id for row in made}) == len(made)
        learned = [
            message["content"]
            for row in made
            for message, trained in zip(row.messages, row.trained, strict=True)
            if trained
        ]
        assert sorted(learned) == sorted(map(write_verdict, known.values()))
        for row in made:
            # What is learned last is what the row is for, and it can be read on the path that it is about.
            assert row.trained[-1]
            depth = len(transcript.path_to(int(row.id.rpartition("/")[2])))
            assert read_verdict(row.messages[-1]["content"], depth) == known[int(row.id.rpartition("/")[2])]


@settings(max_examples=60, deadline=None)
@given(debates())
def test_steps_of_a_pair_are_children_of_one_thought(samples: list[Transcript]) -> None:
    for transcript in samples:
        for row in derivation("step_preference").rows([transcript]):
            if not isinstance(row, PreferenceRow):
                continue
            best, worst = map(int, row.id.rpartition("/")[2].split(">"))
            thoughts = transcript.thoughts
            assert thoughts[best - 1].parent == thoughts[worst - 1].parent
            prefix = transcript.path_to(thoughts[best - 1].parent)
            for side, id, finished in (
                (row.chosen, best, row.chosen_finished),
                (row.rejected, worst, row.rejected_finished),
            ):
                text = side[0]["content"]
                assert text[: row.shared] == "<think>\n" + "".join(f"{each.text}\n" for each in prefix)
                assert text[row.shared :].startswith(thoughts[id - 1].text)
                assert finished == (thoughts[id - 1].answer is not None) == ("</think>" in text)


@settings(max_examples=60, deadline=None)
@given(debates(), st.sampled_from(["first_error", "end"]), st.sampled_from(["branches", "samples"]))
def test_a_splice_hides_one_wrong_way_and_keeps_the_right_one(
    samples: list[Transcript], cut: str, ways: str
) -> None:
    for row in derivation("splice", {"cut": cut, "ways": ways}).rows(samples):
        if not isinstance(row, SftRow):
            continue
        right, _, wrong = row.id.partition("<")
        epoch, _, end = wrong.partition("/")
        path = direct_path(next(each for each in samples if each.id == right))
        way = next(each for each in samples if each.epoch == int(epoch)).path_to(int(end))
        text = row.messages[1]["content"]
        (span,) = row.masked
        hidden = text[span["start"] : span["end"]]
        shared = next(
            number
            for number in range(len(way))
            if number == len(path) or way[number].text != path[number].text
        )
        assert text.startswith("<think>\n" + "".join(f"{each.text}\n" for each in path[:shared]) + hidden)
        assert hidden == "".join(f"{each.text}\n" for each in way[shared:])
        at = span["end"]
        for thought in path[shared:]:
            at = text.index(thought.text, at) + len(thought.text)


@settings(max_examples=20, deadline=None)
@given(debates())
def test_deriving_twice_gives_the_same_rows(samples: list[Transcript]) -> None:
    for kind in map(derivation, KINDS):
        made = list(kind.rows(samples))
        assert made == list(kind.rows(samples))
        ids = [row.id for row in made if isinstance(row, Row)]
        assert len(set(ids)) == len(ids)
