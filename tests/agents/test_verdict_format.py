"""F4: nonsense is never a decision, decisions survive their own grammar, and nothing crashes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate
from longthought.agents.errors import UnreadableVerdict
from longthought.agents.verdict_format import read_verdict, verdict_regex, write_verdict

_letters = st.characters(exclude_categories=["Cs"])
_line = st.text(_letters, min_size=1, max_size=60).map(lambda s: " ".join(s.split())).filter(bool)
_decisions: st.SearchStrategy[Decision] = st.one_of(
    st.just(Continue()),
    st.builds(Backtrack, to=st.integers(0, 8), why=_line),
    st.builds(Reflect, why=_line),
    st.builds(
        Terminate, reason=st.sampled_from(["solved", "ill_posed", "give_up"]), answer=st.none() | _line
    ),
)


@pytest.mark.parametrize(
    ("reply", "decision"),
    [
        ("continue", Continue()),
        ("**Continue.**", Continue()),
        ("Decision: continue", Continue()),
        ("The step is right and leads on.\n\ncontinue", Continue()),
        ("backtrack 0: dead end", Backtrack(to=0, why="dead end")),
        ("Backtrack to 2: 7 is not prime", Backtrack(to=2, why="7 is not prime")),
        ("reflect: is 91 prime?", Reflect(why="is 91 prime?")),
        ("terminate solved", Terminate(reason="solved")),
        ("terminate solved: 42", Terminate(reason="solved", answer="42")),
        (
            "Verdict: terminate ill-posed: no such triangle",
            Terminate(reason="ill_posed", answer="no such triangle"),
        ),
        ("terminate give up", Terminate(reason="give_up")),
        ('{"decision": "backtrack", "to": 1, "why": "off by one"}', Backtrack(to=1, why="off by one")),
        (
            '```json\n{"decision": "terminate", "reason": "solved", "answer": 7}\n```',
            Terminate(reason="solved", answer="7"),
        ),
    ],
)
def test_what_critics_write(reply: str, decision: Decision) -> None:
    assert read_verdict(reply, depth=3) == decision


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "   \n ",
        "yes",
        "I would continue here, but also reflect.",
        "continue\nbacktrack 0: no",
        "backtrack: where to?",
        "backtrack 3: that is the step itself",
        "backtrack 99999999999: far",
        "backtrack -1: before the problem",
        "terminate",
        "terminate because it is right",
        '{"decision": "approve"}',
        '{"decision": "backtrack", "to": null}',
        '{"decision": "continue"} {"decision": "reflect"}',
        "{" * 5000,
        "continue " * 5000,
        "[continue]",
    ],
)
def test_nonsense_is_unreadable(reply: str) -> None:
    with pytest.raises(UnreadableVerdict) as error:
        read_verdict(reply, depth=3)
    assert error.value.reply == reply[:20_000]
    assert len(str(error.value)) < 400


@settings(max_examples=300)
@given(_decisions)
def test_a_written_decision_reads_back(decision: Decision) -> None:
    assert read_verdict(write_verdict(decision), depth=9) == decision


@given(
    st.sampled_from(
        ["continue", "backtrack 3: x", "reflect: y z", "terminate solved", "terminate give_up: w"]
    )
)
def test_the_grammar_only_makes_what_can_be_read(line: str) -> None:
    assert re.fullmatch(verdict_regex(4), line)
    read_verdict(line, depth=4)


_WORDS = [
    *("continue", "backtrack", "reflect", "terminate", "solved", "0", "1", ":", ": why"),
    *("{", "}", '"decision"', "\n", " ", "**", "…", "\x00"),
]


@settings(max_examples=1_000, deadline=None)
@given(
    st.one_of(st.text(max_size=80), st.lists(st.sampled_from(_WORDS), max_size=14).map(" ".join)),
    st.integers(1, 5),
)
def test_fuzz(reply: str, depth: int) -> None:
    """Whatever comes back is a decision that fits the path, or one clear refusal."""
    _read_or_refuse(reply, depth)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(
    st.one_of(st.text(max_size=200), st.lists(st.sampled_from(_WORDS), max_size=30).map("".join)),
    st.integers(1, 9),
)
def test_fuzz_at_length(reply: str, depth: int) -> None:
    _read_or_refuse(reply, depth)


def _read_or_refuse(reply: str, depth: int) -> None:
    try:
        decision = read_verdict(reply, depth)
    except UnreadableVerdict:
        return
    assert isinstance(decision, Continue | Backtrack | Reflect | Terminate)
    if isinstance(decision, Backtrack):
        assert 0 <= decision.to < depth
    # A decision never comes from nothing: its word stands in the reply.
    assert decision.kind in reply.lower()


def test_the_grammar_names_no_step_that_is_not_there() -> None:
    assert not re.fullmatch(verdict_regex(1), "backtrack 1: no")
    assert re.fullmatch(verdict_regex(10), "backtrack 9: no")
    assert re.fullmatch(verdict_regex(30), "backtrack 29: no")
