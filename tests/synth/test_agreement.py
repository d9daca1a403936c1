"""Kappas against hand-computed and published values, what has none, and the queue of disputed thoughts."""

from __future__ import annotations

from pathlib import Path

import pytest

from longthought.agents.decisions import Decision, Reflect
from longthought.agents.errors import UnreadableVerdict
from longthought.agents.problems import Problem
from longthought.agents.seats.contract import Verdict
from longthought.agents.seats.panel import Panel
from longthought.agents.thoughts import Path as ThoughtPath
from longthought.agents.verdict_format import read_verdict
from longthought.protocols.debate import Debate
from longthought.protocols.journal import Journal
from longthought.protocols.runner import assignments, run_debates
from longthought.protocols.transcript_files import read_transcripts
from longthought.synth.agreement import Votes, agreement, cohen_kappa, disputes, fleiss_kappa, votes_of
from tests.protocols.scripted_debates import debate


def pairs(**counts: int) -> list[tuple[str, str]]:
    return [(key[0], key[1]) for key, times in counts.items() for _ in range(times)]


def test_cohen_by_hand() -> None:
    # 50 grant proposals, 20 and 15 agreed on: seen 0.7, by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
    assert cohen_kappa(pairs(yy=20, yn=5, ny=10, nn=15)) == pytest.approx(0.4)
    # Three classes: seen 6/10, by chance (4*5 + 3*2 + 3*3) / 100 = 0.35.
    assert cohen_kappa(pairs(aa=3, ab=1, ba=1, bb=1, bc=1, ca=1, cc=2)) == pytest.approx((0.6 - 0.35) / 0.65)
    assert cohen_kappa(pairs(ab=2, ba=2)) == -1.0
    assert cohen_kappa(pairs(aa=2, bb=3)) == 1.0


def test_fleiss_of_his_article() -> None:
    # 14 raters, 10 subjects, 5 categories; the worked example that is quoted everywhere: 0.210.
    table = """0 0 0 0 14|0 2 6 4 2|0 0 3 5 6|0 3 9 2 0|2 2 8 1 1|7 7 0 0 0|3 2 6 3 0|2 5 3 2 2|6 5 2 1 0|0 2 2 3 7"""
    rows = [
        [str(label) for label, times in enumerate(row.split()) for _ in range(int(times))]
        for row in table.split("|")
    ]
    assert fleiss_kappa(rows) == pytest.approx(0.20993, abs=1e-5)


def test_two_raters_by_fleiss() -> None:
    # Seen 3/4; labels 5 and 3 of 8: by chance 34/64.
    assert fleiss_kappa(["aa", "aa", "bb", "ab"]) == pytest.approx((3 / 4 - 34 / 64) / (30 / 64))


def test_what_chance_alone_makes_agree_has_no_kappa() -> None:
    assert cohen_kappa([]) is None
    assert cohen_kappa(pairs(aa=9)) is None
    assert fleiss_kappa([]) is None
    assert fleiss_kappa(["aaa", "aaa"]) is None
    assert fleiss_kappa(["a", "b"]) is None
    # One rater of one class only, and the other not: chance explains all of it.
    assert cohen_kappa(pairs(aa=3, ab=1)) == 0.0
    with pytest.raises(ValueError, match="as many"):
        fleiss_kappa(["aa", "a"])


def test_a_panel_with_absentees() -> None:
    said = [
        {"a": "continue", "b": "continue", "c": "continue"},
        {"a": "backtrack", "b": "reflect", "c": "continue"},
        {"a": "backtrack", "b": "backtrack"},
        {"a": "terminate"},
    ]
    found = agreement([Votes(0, number, votes) for number, votes in enumerate(said, start=1)])
    assert found is not None
    assert (found.members, found.thoughts, found.disputed, found.whole) == (("a", "b", "c"), 3, 1, 2)
    ab, ac, bc = found.pairs
    assert (ab.one, ab.other, ab.thoughts) == ("a", "b", 3)
    # Flags agree throughout; kinds on 2 of 3, by chance (1*1 + 2*1) / 9.
    assert ab.flags == 1.0
    assert ab.kinds == pytest.approx((2 / 3 - 3 / 9) / (6 / 9))
    assert (ac.thoughts, ac.flags, bc.flags) == (2, 0.0, 0.0)
    # Flags: no no no, flag flag no. Seen (1 + 1/3) / 2, by chance (16 + 4) / 36.
    assert found.flags == pytest.approx((2 / 3 - 20 / 36) / (16 / 36))
    assert agreement([]) is None


class Lines:
    """A critic that reads its verdicts off a list."""

    def __init__(self, *lines: str) -> None:
        self.lines = iter(lines)

    async def judge(self, path: ThoughtPath) -> Verdict:
        decision: Decision = read_verdict(next(self.lines), path.depth)
        if isinstance(decision, Reflect) and decision.why == "abstain":
            raise UnreadableVerdict("hm", "hm")
        return Verdict(decision)


async def test_disputes_of_a_debate(tmp_path: Path) -> None:
    rules, _, _ = debate(["one", "two", "answer: 4"], [])
    panel = Panel(
        {
            "a": Lines("continue", "continue", "terminate solved"),
            "b": Lines("continue", "backtrack 0: no", "reflect: abstain"),
            "c": Lines("continue", "continue", "terminate solved"),
        }
    )
    journal = Journal(tmp_path)
    todo = assignments([Problem(id="p", question="2+2?", gold="4")], 1, 0)
    await run_debates(todo, Debate(rules.policy, panel, rules.scorer), journal)
    journal.close()
    (transcript,) = read_transcripts(tmp_path)
    assert transcript.right
    assert [each.votes for each in votes_of(transcript)] == [
        dict.fromkeys("abc", "continue"),
        {"a": "continue", "b": "backtrack", "c": "continue"},
        {"a": "terminate", "c": "terminate"},
    ]
    ((dissent, row),) = disputes(transcript)
    assert dissent == pytest.approx(1 / 3)
    assert row == {
        "debate": "p#0",
        "thought": 2,
        "problem": "2+2?",
        "path": ["one", "two"],
        "said": {
            "a": {"decision": "continue", "why": ""},
            "b": {"decision": "backtrack", "why": "0: no"},
            "c": {"decision": "continue", "why": ""},
        },
        "decided": {"kind": "continue"},
        "dissent": 0.3333,
    }
