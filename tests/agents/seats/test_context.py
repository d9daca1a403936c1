"""What a seat is shown where dead branches are pruned, and what becomes of the cue when the policy is to conclude."""

from __future__ import annotations

from longthought.agents.decisions import Backtrack, Continue
from longthought.agents.prompts import Prompts
from longthought.agents.seats.context import Context
from longthought.protocols.tape import Tape
from longthought.protocols.tree import Tree
from tests.protocols.scripted_debates import problem


def _tree(*steps: str) -> Tree:
    tree = Tree(problem(), Tape(None, 0, 0))
    for step in steps:
        tree.grow("step", step, None, False)
        if step is not steps[-1]:
            tree.judge(Continue())
    return tree


def test_a_pruned_branch_is_its_first_thought_and_why_it_was_left() -> None:
    tree = _tree("20*20=400", "400+2=402")
    tree.judge(Backtrack(to=0, why="it is 20+20"))
    context = Context(Prompts("default"), memory="path")
    asked = [message.content for message in context.for_policy(tree.path())]
    assert asked[-2] == "20*20=400"
    assert "it is 20+20" in asked[-1]
    assert asked[-1].endswith("back to the problem. Write a different step 1.")
    assert not any("402" in text or "the step stands" in text for text in asked)
    tree.grow("step", "20+20=40", None, False)
    judged = [message.content for message in context.for_critic(tree.path())]
    # Once another child stands there, nothing of the dead branch is shown.
    assert not any("20*20" in text for text in judged)


def test_a_pruned_branch_left_at_once_is_shown_as_it_was() -> None:
    tree = _tree("20*20=400")
    tree.judge(Backtrack(to=0, why="it is 20+20"))
    walk, pruned = (
        Context(Prompts("default"), memory=memory).for_policy(tree.path()) for memory in ("walk", "path")
    )
    assert walk == pruned


def test_the_cue_gives_way_to_the_one_that_asks_for_the_conclusion_whole() -> None:
    tree = _tree("First I set x = 3.\n\nThen 2x = 6.", "6+1=8")
    tree.judge(Backtrack(to=1, why="6+1 is 7"))
    context = Context(Prompts("default"))
    assert "First I set x = 3.\n\nThen 2x = 6." in context.for_policy(tree.path())[-1].content
    message = context.for_policy(tree.path("conclusion"))[-1]
    assert message.content.startswith("Solver: time is nearly up.")
    assert "Then 2x" not in message.content
