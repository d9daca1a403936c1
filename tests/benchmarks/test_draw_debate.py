"""The picture of a debate: all its thoughts, dead branches apart, and no text of a model as markup."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from benchmarks.draw_debate import draw
from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate
from longthought.agents.problems import Problem
from longthought.agents.thoughts import Thought
from longthought.protocols.outcomes import Outcome
from longthought.protocols.transcript import Judgement, Transcript

NAMESPACE = "{http://www.w3.org/2000/svg}"


def transcript(hostile: str = "no way on") -> Transcript:
    """1 is gone back from; 2 stands; below it 3 is reflected on (4) and gone back from; 5 ends."""
    places = [(1, 0, "step"), (2, 0, "step"), (3, 2, "step"), (4, 3, "reflection"), (5, 2, "conclusion")]
    decisions: list[Decision] = [
        Backtrack(to=0, why=hostile),
        Continue(),
        Reflect(why=hostile),
        Backtrack(to=1, why=hostile),
        Terminate(reason="solved"),
    ]
    return Transcript(
        number=0,
        problem=Problem(id="p", question=f"What is this? {hostile}\nAnswer in a line."),
        thoughts=tuple(
            Thought.model_validate({"id": i, "parent": parent, "kind": kind, "text": f"thought {hostile}"})
            for i, parent, kind in places
        ),
        judgements=tuple(Judgement(thought=i, decision=d) for i, d in enumerate(decisions, start=1)),
        outcome=Outcome(kind="solved", answer="42"),
        turns=5,
    )


def texts(picture: str, kind: str, branch: str) -> list[str]:
    root = ElementTree.fromstring(picture)
    return [
        text.text or ""
        for group in root.iter(f"{NAMESPACE}g")
        if group.get("class") == branch
        for text in group.iter(f"{NAMESPACE}text")
        if text.get("class") == kind
    ]


def numbers(picture: str, branch: str) -> list[str]:
    """Of the thoughts, whose text may go on in a second line."""
    return [text.partition(":")[0] for text in texts(picture, "thought", branch) if text[0].isdigit()]


def test_every_thought_is_drawn_and_dead_branches_are_grey() -> None:
    picture = draw(transcript())
    assert numbers(picture, "dead") == ["1", "3", "4"]
    assert numbers(picture, "live") == ["2", "5"]
    assert picture == draw(transcript())


def test_a_way_back_names_the_thought_gone_back_to() -> None:
    labels = texts(draw(transcript()), "label", "dead")
    assert labels == [
        "backtrack to the problem: no way",
        "on",
        "reflect: no way on",
        "backtrack to 2: no way on",
    ]


def test_what_a_model_wrote_is_text_and_nothing_else() -> None:
    hostile = '<script>x()</script> & " \x00\x1b[31m]]>\ufffe ' + "w" * 500
    root = ElementTree.fromstring(draw(transcript(hostile)))
    assert not list(root.iter(f"{NAMESPACE}script"))
    assert "<script>" in "".join(root.itertext())
    assert max(len(text.text or "") for text in root.iter(f"{NAMESPACE}text")) < 100
