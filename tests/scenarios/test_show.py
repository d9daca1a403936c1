"""What is printed of a run: never an escape sequence, never read as markup."""

from __future__ import annotations

import io
import random
import re
from pathlib import Path

import pytest
from rich.console import Console

from longthought.agents.decisions import Backtrack, Continue, Terminate
from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.thoughts import Thought
from longthought.protocols.outcomes import Outcome, error
from longthought.protocols.transcript import Judgement, SeatUsage, Transcript
from longthought.scenarios.plain_text import printable
from longthought.scenarios.show import find_transcript, run_path, summary_table, transcripts_table, tree_of
from longthought.scenarios.summary import summarise

ATTACKS = [
    "\x1b[31mred\x1b[0m",
    "\x1b[2J\x1b[H",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1bP+q544e\x1b\\",
    "\x9b31m",
    "\x9d0;title\x9c",
    "\x1bc",
    "\x1b(0",
    "\x1b",
    "\r overwritten",
    "\x08\x08\x08",
    "\x07",
    "\x00",
    "\u202egnp.exe",
    "\u2066hidden\u2069",
    "\u2028line",
    "\U000e0041tag",
    "[red]",
    "[/red]",
    "[/]",
    "[link=http://evil]x[/link]",
    "[bold",
    "\\[x]",
    ":smile:",
]


def hostile(count: int) -> list[str]:
    """Attacks, alone and strung together at random, with a seed."""
    dice = random.Random(5)
    mixed = ["".join(dice.choices([*ATTACKS, "2+2=4", "\n"], k=6)) for _ in range(count - len(ATTACKS))]
    return [*ATTACKS, *mixed]


def transcript(text: str = "2+2=4", number: int = 0) -> Transcript:
    """A debate with ``text`` in every place where a model or a dataset may write."""
    return Transcript(
        number=number,
        problem=Problem(id=f"p{number}{text}", question=text or " "),
        thoughts=(
            Thought(id=1, parent=0, kind="step", text=text, truncated=True),
            Thought(id=2, parent=0, kind="step", text="other"),
            Thought(id=3, parent=2, kind="conclusion", text=text, answer=text),
        ),
        judgements=(
            Judgement(
                thought=1, decision=Backtrack(to=0, why=text), readings=(Reading(reward="r", label=text),)
            ),
            Judgement(thought=2, decision=Continue()),
            Judgement(thought=3, decision=Terminate(reason="solved", answer=text)),
        ),
        outcome=Outcome(kind="wrong", answer=text, why=text),
        turns=3,
        usage={"policy": SeatUsage(prompt=9, completion=3)},
        calls={"policy": 3},
    )


def printed(transcripts: list[Transcript]) -> str:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=False)
    console.print(summary_table(summarise(transcripts), "a run"))
    console.print(transcripts_table(transcripts))
    for each in transcripts:
        console.print(tree_of(each))
    return out.getvalue()


@pytest.mark.parametrize("text", hostile(100))
def test_nothing_that_a_terminal_acts_upon_is_printed(text: str) -> None:
    """S19."""
    shown = printed([transcript(text)])
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\U000e0000-\U000e007f]", shown
    )


def test_markup_is_shown_as_it_is() -> None:
    assert "[red]x[/red] [/] :smile:" in printed([transcript("[red]x[/red] [/] :smile:")])


def test_sequences_leave_nothing_of_themselves() -> None:
    assert printable("a\x1b[31mb\x1b]0;title\x07c\x1b(0d\n\te") == "abcd\n\te"


def test_a_debate_is_a_tree_with_its_dead_branch() -> None:
    shown = printed([transcript()])
    assert "├── 1 2+2=4" in shown
    assert "└── 2 other" in shown
    assert "    └── 3 conclusion: 2+2=4" in shown
    assert "→ backtrack to the problem: 2+2=4" in shown
    assert "outcome wrong  answer 2+2=4" in shown


def test_a_summary_counts() -> None:
    shown = printed([transcript(number=n) for n in range(4)])
    assert "0.0% (0 of 4 solved)" in shown
    assert "wrong 4" in shown
    assert re.search(r"backtrack 33%", shown)
    assert "36 prompt + 12 completion in 12 calls" in shown


def test_a_summary_says_why_a_debate_failed() -> None:
    failed = transcript().model_copy(update={"outcome": error("seat", "AttributeError: no 'text'")})
    assert "debate 0: AttributeError: no 'text'" in printed([transcript(), failed])
    assert "first error" not in printed([transcript()])


def test_a_deep_debate_can_be_shown() -> None:
    thoughts = tuple(Thought(id=i, parent=i - 1, kind="step", text=f"s{i}") for i in range(1, 1501))
    deep = transcript().model_copy(update={"thoughts": thoughts, "judgements": ()})
    out = io.StringIO()
    Console(file=out, width=100).print(tree_of(deep))
    assert out.getvalue()


def test_a_transcript_is_found_by_number_id_or_problem(tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text("".join(transcript("x", n).model_dump_json() + "\n" for n in range(3)))
    for name in ("1", "p1x", "p1x#0"):
        assert find_transcript(file, name).number == 1
    with pytest.raises(UsageError, match="no finished debate '7'; there are numbers 0 to 2"):
        find_transcript(file, "7")


def test_a_run_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="no such run, neither as a path nor under runs/"):
        run_path("nowhere")
