"""A long thought: one request, one reply, and an answer only where the reply came to its end."""

from __future__ import annotations

import pytest

from longthought.agents.errors import ContextLengthError
from longthought.agents.models.contract import Message, Reply, Sampling
from longthought.agents.models.scripted import ScriptedModel
from longthought.agents.problems import Problem
from longthought.agents.prompts import Prompts
from longthought.agents.rewards.exact_scorer import ExactScorer
from longthought.agents.seats.solver import PARTS, Solver
from longthought.protocols.long_thought import LongThought
from longthought.protocols.outcomes import Outcome
from longthought.protocols.tape import Tape
from longthought.protocols.transcript import Transcript, fold
from longthought.protocols.tree import Tree
from longthought.synth.imports.thought_in_text import parted

PROBLEM = Problem(id="p", question="What is 2+2?", gold="4", scorer="exact")


async def _played(reply: Reply | Exception, prompts: str = "default") -> tuple[Transcript, ScriptedModel]:
    model = ScriptedModel([reply])
    solver = Solver(model, Prompts(prompts, None, PARTS), Sampling())
    tape = Tape(None, 0, 0)
    tree = Tree(PROBLEM, tape)
    tape.emit("opened", {"problem": PROBLEM.model_dump(), "epoch": 0, "seed": 0, "protocol": "long-thought"})
    outcome = await LongThought(solver, ExactScorer(), lambda text: parted(text)[1]).play(tree)
    transcript = fold(tape.events or [])
    assert transcript is not None
    assert transcript.outcome == outcome
    return transcript, model


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply("<think>\n2+2 is 5. Wait, 4.\n</think>\n\nAnswer: 4"), Outcome(kind="solved", answer="4")),
        (Reply("<think>\nAnswer: 4, or is it?\n</think>\n\nAnswer: 5"), Outcome(kind="wrong", answer="5")),
        (Reply("Answer: 4"), Outcome(kind="solved", answer="4")),
        (Reply("Answer: 4", reasoning="Answer: 5"), Outcome(kind="solved", answer="4")),
        (Reply("<think>\nAnswer: 4", "length"), Outcome(kind="limit:tokens")),
        (Reply("<think>\nfour\n</think>\n\nAnswer: 4", "length"), Outcome(kind="limit:tokens")),
        (Reply("", "length"), Outcome(kind="limit:tokens")),
        (Reply("<think>\nAnswer: 4"), Outcome(kind="gave_up", why="no answer behind the thought")),
        (Reply(" "), Outcome(kind="gave_up", why="it wrote nothing")),
    ],
)
async def test_only_what_stands_behind_the_thought_is_the_answer(reply: Reply, outcome: Outcome) -> None:
    transcript, _ = await _played(reply)
    assert transcript.outcome.model_dump(exclude={"why"}) == outcome.model_dump(exclude={"why"})
    if outcome.why:
        assert transcript.outcome.why == outcome.why


async def test_the_question_is_asked_as_corpora_ask_it_and_the_reply_is_kept_whole() -> None:
    text = "<think>\nfour?\n</think>\n\nAnswer: 4"
    transcript, model = await _played(Reply(text))
    assert model.requests[0][0] == (Message("user", PROBLEM.question),)
    assert [thought.text for thought in transcript.thoughts] == [text]
    # A server that takes the thought out gives the same transcript.
    other, _ = await _played(Reply("Answer: 4", reasoning="four?"))
    assert other.thoughts == transcript.thoughts
    _, asked = await _played(Reply(text), "distil")
    (message,) = asked.requests[0][0]
    assert isinstance(message, Message)
    assert "Answer: <the final answer>" in message.content


async def test_a_thought_cut_by_a_server_that_takes_it_out_is_not_closed() -> None:
    transcript, _ = await _played(Reply("", "length", reasoning="so far"))
    assert transcript.thoughts[0].text == "<think>\nso far"
    assert transcript.outcome.kind == "limit:tokens"


async def test_a_prompt_beyond_the_context_is_an_outcome() -> None:
    transcript, _ = await _played(ContextLengthError("too long"))
    assert transcript.outcome.kind == "limit:context_length"
