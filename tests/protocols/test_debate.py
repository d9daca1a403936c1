from __future__ import annotations

import pytest

from longthought.agents.decisions import Backtrack, Continue, Reflect, Terminate
from longthought.agents.errors import ContextLengthError, FatalModelError, RetryableError
from longthought.agents.models.contract import Message, Reply, Usage
from longthought.protocols.budget import Budget
from tests.protocols.scripted_debates import debate, decisions, play, problem


async def test_solved_in_two_turns() -> None:
    rules, *_ = debate(["2+2 is 4", "answer: 4"], ["continue", "terminate solved"])
    outcome, tree = await play(rules)
    assert (outcome.kind, outcome.answer) == ("solved", "4")
    assert decisions(tree) == [Continue(), Terminate(reason="solved")]
    assert [turn.thought.kind for turn in tree.walk] == ["step", "conclusion"]


async def test_backtrack_moves_the_cursor_to_the_named_ancestor() -> None:
    rules, policy, _ = debate(
        ["a", "b", "c", "d", "answer: 4"],
        ["continue", "continue", "backtrack 1: c is off", "continue", "terminate solved"],
    )
    outcome, tree = await play(rules)
    assert outcome.kind == "solved"
    assert decisions(tree)[2] == Backtrack(to=1, why="c is off")
    assert [turn.thought.parent for turn in tree.walk] == [0, 1, 2, 1, 4]
    after_return = policy.requests[3][0][-1]
    assert isinstance(after_return, Message)
    assert 'back to step 1, "a"' in after_return.content
    assert "c is off" in after_return.content


async def test_backtrack_to_zero_starts_at_the_problem() -> None:
    rules, *_ = debate(["a", "b", "answer: 4"], ["continue", "backtrack 0: no", "terminate solved"])
    _, tree = await play(rules)
    assert tree.walk[2].thought.parent == 0


async def test_reflection_is_a_thought_of_its_own_kind_and_is_judged() -> None:
    rules, policy, _ = debate(
        ["2+2=5", "2+2 is 4, so that was wrong", "answer: 4"],
        ["reflect: check the sum", "backtrack 0: wrong sum", "terminate solved"],
    )
    outcome, tree = await play(rules)
    assert outcome.kind == "solved"
    assert decisions(tree)[:2] == [Reflect(why="check the sum"), Backtrack(to=0, why="wrong sum")]
    assert tree.walk[1].thought.kind == "reflection"
    asked = policy.requests[1][0][-1]
    assert isinstance(asked, Message)
    assert "reflect" in asked.content.lower()


@pytest.mark.parametrize(
    ("gold", "verdict", "kind"),
    [
        ("4", "terminate solved", "solved"),
        ("5", "terminate solved", "wrong"),
        (None, "terminate solved", "unverified"),
        ("4", "terminate give_up: too hard", "gave_up"),
        ("4", "terminate ill_posed: no such sum", "ill_posed"),
    ],
)
async def test_outcomes(gold: str | None, verdict: str, kind: str) -> None:
    rules, *_ = debate(["answer: 4"], [verdict])
    outcome, _ = await play(rules, problem(gold=gold))
    assert outcome.kind == kind


async def test_a_wrong_answer_is_told_and_what_follows_is_informed() -> None:
    rules, *_ = debate(
        ["answer: 5", "5 is wrong because 2+2 is 4", "answer: 4"],
        ["terminate solved", "backtrack 0: the sum was wrong", "terminate solved"],
        on_wrong_answer="tell",
    )
    outcome, tree = await play(rules)
    assert outcome.kind == "solved"
    assert [turn.thought.informed for turn in tree.walk] == [False, True, True]
    assert tree.walk[0].told_wrong
    assert tree.walk[1].thought.kind == "reflection"


async def test_a_wrong_answer_stops_the_debate_by_default() -> None:
    rules, policy, _ = debate(["answer: 5"], ["terminate solved"])
    outcome, tree = await play(rules)
    assert outcome.kind == "wrong"
    assert len(policy.requests) == 1
    assert not any(turn.thought.informed for turn in tree.walk)


async def test_a_repeated_step_is_asked_for_again() -> None:
    rules, policy, _ = debate(
        ["a", "A ", "x", "x", "x", "x", "answer: 4"],
        ["backtrack 0: no", "continue", "terminate solved"],
    )
    outcome, tree = await play(rules)
    assert outcome.kind == "solved"
    assert [turn.thought.text for turn in tree.walk] == ["a", "x", "answer: 4"]
    # Asked again it may offer several at once.
    assert [n for _, _, n in policy.requests] == [1, 1, 4, 1]
    assert [e["kind"] for e in tree.tape.events or []].count("asked_again") == 1


async def test_repeats_are_counted_and_end_the_debate() -> None:
    rules, *_ = debate(["a"] * 100, ["backtrack 0: no"] * 5, budget=Budget(repeats=2, turns=50))
    outcome, tree = await play(rules)
    assert outcome.kind == "limit:repeats"
    assert tree.repeats == 3
    assert len(tree.walk) == 1


async def test_an_unreadable_verdict_is_re_asked_with_the_error_then_an_outcome() -> None:
    rules, _, critic = debate(["a", "answer: 4"], ["hm", "continue", "what?", "no", "still no"])
    outcome, tree = await play(rules)
    assert outcome.kind == "error:unreadable_verdict"
    assert decisions(tree) == [Continue(), None]
    retry = critic.requests[1][0]
    assert isinstance(retry[-2], Message)
    assert isinstance(retry[-1], Message)
    assert retry[-2].content == "hm"
    assert "cannot be used" in retry[-1].content


async def test_solved_needs_an_answer_on_the_path() -> None:
    rules, _, critic = debate(["a", "answer: 4"], ["terminate solved", "continue", "terminate solved"])
    outcome, _ = await play(rules)
    assert outcome.kind == "solved"
    assert len(critic.requests) == 3


async def test_a_cut_verdict_is_not_guessed() -> None:
    cut = Reply("backtrack 0: because the", finish="length", usage=Usage(1, 1))
    rules, *_ = debate(["a", "answer: 4"], [cut, "continue", "terminate solved"])  # type: ignore[list-item]
    outcome, tree = await play(rules)
    assert outcome.kind == "solved"
    assert decisions(tree)[0] == Continue()


async def test_a_cut_step_is_flagged_and_carries_no_answer() -> None:
    cut = Reply("answer: 4", finish="length", usage=Usage(1, 1))
    rules, *_ = debate([cut, "answer: 4"], ["continue", "terminate solved"])  # type: ignore[list-item]
    _, tree = await play(rules)
    assert tree.walk[0].thought.truncated
    assert tree.walk[0].thought.answer is None


@pytest.mark.parametrize(
    ("budget", "kind"),
    [
        (Budget(turns=3, conclude_at=1), "limit:turns"),
        (Budget(depth=2, conclude_at=1), "limit:depth"),
        (Budget(tokens_out=4, conclude_at=1), "limit:tokens_out"),
        (Budget(tokens_in=1, conclude_at=1), "limit:tokens_in"),
    ],
)
async def test_limits_are_outcomes(budget: Budget, kind: str) -> None:
    rules, *_ = debate([f"s{i}" for i in range(50)], ["continue"] * 50, budget=budget)
    outcome, _ = await play(rules)
    assert outcome.kind == kind


async def test_backtracks_allowed_are_exactly_the_number_given() -> None:
    rules, *_ = debate(
        [f"s{i}" for i in range(50)], ["backtrack 0: no"] * 50, budget=Budget(backtracks=2, conclude_at=1)
    )
    outcome, tree = await play(rules)
    assert outcome.kind == "limit:backtracks"
    assert tree.backtracks == 3


async def test_near_the_end_the_policy_is_asked_to_conclude() -> None:
    rules, policy, _ = debate(
        [f"s{i}" for i in range(50)], ["continue"] * 50, budget=Budget(turns=10, conclude_at=0.9)
    )
    _, tree = await play(rules)
    last = policy.requests[-1][0][-1]
    assert isinstance(last, Message)
    assert "Conclude now" in last.content
    assert tree.walk[-1].thought.kind == "conclusion"
    assert tree.walk[-2].thought.kind == "step"


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (ContextLengthError("too long"), "limit:context_length"),
        (ValueError("a bug in a seat"), "error:seat"),
    ],
)
async def test_a_failed_debate_is_a_record(failure: Exception, kind: str) -> None:
    rules, *_ = debate(["a", failure], ["continue"])  # type: ignore[list-item]
    outcome, tree = await play(rules)
    assert outcome.kind == kind
    assert (tree.tape.events or [])[-1]["kind"] == "closed"


async def test_a_fatal_error_ends_the_run() -> None:
    rules, *_ = debate(["a"], ["continue"])
    with pytest.raises(FatalModelError, match="no more replies"):
        await play(rules)


async def test_failed_attempts_are_on_the_record() -> None:
    rules, *_ = debate(
        [RetryableError("503", 0.0), RetryableError("reset", 0.0), "answer: 4"],  # type: ignore[list-item]
        ["terminate solved"],
    )
    outcome, tree = await play(rules)
    assert outcome.kind == "solved"
    failed = [e["data"]["error"] for e in tree.tape.events or [] if e["kind"] == "failed"]
    assert failed == ["503", "reset"]
