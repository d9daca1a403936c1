"""What eval reads off transcripts: ends, votes, revisions, groups, and the curve of accuracy over tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from longthought.agents.decisions import Backtrack, Terminate
from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.thoughts import Thought
from longthought.protocols.outcomes import Outcome
from longthought.protocols.transcript import Judgement, SeatUsage, Transcript
from longthought.protocols.transcript_files import write_transcripts
from longthought.train.evaluate import Evaluation, evaluate, paired
from longthought.train.evaluating.plot import draw_curves
from longthought.train.evaluating.report import report_on
from longthought.train.evaluating.revisions import Revisions, revisions
from longthought.train.evaluating.token_curve import curve


def debate(
    problem: str,
    outcome: Outcome,
    answers: Sequence[str] = (),
    tokens: int = 10,
    epoch: int = 0,
    concluding: bool = False,
    **facts: Any,
) -> Transcript:
    """A debate on 2+2 that proposes ``answers``, each but the last gone back from."""
    thoughts = tuple(
        Thought(id=i, parent=0, kind="conclusion", text=f"answer: {a}", answer=a, concluding=concluding)
        for i, a in enumerate(answers, start=1)
    )
    judged = tuple(
        Judgement(
            thought=t.id,
            decision=Backtrack(to=0, why="") if t.id < len(answers) else Terminate(reason="solved"),
        )
        for t in thoughts
    )
    return Transcript(
        number=0,
        epoch=epoch,
        protocol="debate",
        problem=Problem(
            id=problem, question="2+2?", gold="4", scorer=facts.pop("scorer", "exact"), metadata=facts
        ),
        thoughts=thoughts,
        judgements=judged,
        outcome=outcome,
        turns=len(thoughts),
        usage={"policy": SeatUsage(completion=tokens), "critic": SeatUsage(completion=5)},
    )


RIGHT, WRONG, CUT = (
    Outcome(kind="solved", answer="4"),
    Outcome(kind="wrong", answer="5"),
    Outcome(kind="limit:tokens"),
)


def run_of(place: Path, *transcripts: Transcript) -> Path:
    place.mkdir()
    write_transcripts(place / "transcripts.jsonl.zst", transcripts)
    return place


def evaluation(place: Path, *transcripts: Transcript) -> Evaluation:
    return evaluate(run_of(place / "run", *transcripts))


@pytest.mark.parametrize(
    ("outcome", "end"),
    [
        (RIGHT, "right"),
        (WRONG, "wrong"),
        (CUT, "cut"),
        (Outcome(kind="limit:turns", answer="4"), "cut"),
        (Outcome(kind="unverified", answer="4"), "unscored"),
        (Outcome(kind="ill_posed"), "unscored"),
        (Outcome(kind="ill_posed", right=True), "right"),
        (Outcome(kind="ill_posed", right=False), "wrong"),
        (Outcome(kind="gave_up"), "gave up"),
        (Outcome(kind="error:model"), "error"),
    ],
)
def test_every_outcome_is_one_end(tmp_path: Path, outcome: Outcome, end: str) -> None:
    found = evaluation(tmp_path, debate("a", outcome))
    assert found.trials["a"].samples[0].end == end
    assert found.accuracy.mean == (end == "right")


def test_an_answer_told_to_conclude_counts_apart_if_it_came(tmp_path: Path) -> None:
    found = evaluation(
        tmp_path,
        debate("a", RIGHT, ["4"], concluding=True),
        debate("b", RIGHT, ["4"]),
        debate("c", CUT, ["7"], concluding=True),
        debate("d", WRONG, ["5"], concluding=True),
    )
    assert (found.mean("forced"), found.share("cut"), found.accuracy.mean) == (0.5, 0.25, 0.5)


def test_problems_weigh_the_same_however_many_samples_they_have(tmp_path: Path) -> None:
    found = evaluation(tmp_path, debate("a", RIGHT), debate("b", WRONG), debate("b", WRONG, epoch=1))
    assert (found.accuracy.mean, found.votes) == (0.5, [1])
    assert (found.mean("tokens"), found.mean("detoured")) == (15, 0)


def test_the_curve_votes_and_spends(tmp_path: Path) -> None:
    found = evaluation(
        tmp_path,
        *(debate("a", outcome, tokens=5, epoch=i) for i, outcome in enumerate((WRONG, RIGHT, RIGHT))),
        *(debate("b", outcome, tokens=15, epoch=i) for i, outcome in enumerate((RIGHT, WRONG, CUT))),
    )
    points = curve(found)
    votes = [p for p in points if p.by == "votes"]
    # A sample costs 10 tokens on a and 20 on b, both seats together.
    assert [(p.at, p.tokens) for p in votes] == [(1, 15), (2, 30), (3, 45)]
    # Of two of a's samples, right wins {R, R} and half of the two {W, R}; b: R and W are level in one of three pairs,
    # and each alone in one.
    assert [p.accuracy.mean for p in votes] == pytest.approx(
        [(2 / 3 + 1 / 3) / 2, (2 / 3 + 1 / 2) / 2, (1 + 1 / 2) / 2]
    )
    assert [p.passed.mean for p in votes if p.passed] == pytest.approx([1 / 2, (1 + 2 / 3) / 2, 1])
    spent = {p.at: (p.tokens, p.accuracy.mean) for p in points if p.by == "allowance"}
    # For 10 tokens a's first sample fits, which is wrong, and none of b's; for 60 all of them do.
    assert spent[10] == (5, 0)
    assert spent[60] == (45, 1)
    assert min(spent) == 10
    assert max(spent) == 60


def test_ill_posed_is_a_vote_like_any_answer(tmp_path: Path) -> None:
    named, missed = (Outcome(kind="ill_posed", why="none", right=right) for right in (True, False))
    found = evaluation(
        tmp_path,
        *(debate("a", outcome, tokens=5, epoch=i) for i, outcome in enumerate((named, missed, named))),
        *(debate("b", outcome, tokens=5, epoch=i) for i, outcome in enumerate((missed, WRONG, missed))),
    )
    assert [found.trials[name].voted(1) for name in "ab"] == pytest.approx([2 / 3, 0])
    assert [found.trials[name].voted(3) for name in "ab"] == [1, 0]
    assert [p.accuracy.mean for p in curve(found) if p.by == "allowance"][-1] == 0.5


def test_the_same_curves_draw_the_same_picture(tmp_path: Path) -> None:
    points = curve(evaluation(tmp_path, debate("a", RIGHT), debate("a", WRONG, epoch=1)))
    for name in ("one.svg", "two.svg"):
        draw_curves([("$run$", points), ("other", points)], tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_answers_are_followed_from_one_to_the_next() -> None:
    told = [
        debate("a", RIGHT, ["5", "4"]),  # wrong, then right
        debate("b", WRONG, ["4", "3", "5"]),  # right, then wrong, then wrong again
        debate("c", RIGHT, ["4", "4"]),
        debate("d", RIGHT, ["4"]),
        debate("e", Outcome(kind="limit:turns"), ["4", "5"], scorer="nobody's"),
        debate("f", Outcome(kind="limit:turns"), ["4", "5"], scorer="unit-tests"),
    ]
    found = revisions(told)
    assert found == Revisions(kept=1, lost=1, gained=1, stayed=1, unknown=2)
    assert (found.lost_rate, found.gained_rate, found.pairs) == (0.5, 0.5, 6)
    assert (Revisions().lost_rate, Revisions().gained_rate) == (None, None)


def test_the_answer_behind_a_thought_in_other_blanks_is_no_revision() -> None:
    text = "<think>\nSo it is.\nAnswer: (2+3)*1\n</think>\n\nAnswer: (2 + 3) * 1"
    thought = Thought(id=1, parent=0, kind="conclusion", text=text, answer="(2 + 3) * 1")
    whole = debate(
        "a", Outcome(kind="solved", answer=thought.answer), scorer="countdown", numbers=[2, 3, 1], target=5
    )
    judged = (Judgement(thought=1, decision=Terminate(reason="solved")),)
    update = {"protocol": "long-thought", "thoughts": (thought,), "judgements": judged}
    assert revisions([whole.model_copy(update=update)]) == Revisions()


def test_levels_come_in_order_and_only_where_they_differ(tmp_path: Path) -> None:
    given = [
        debate("a", WRONG, level="Level 10"),
        debate("b", RIGHT, level="Level 9"),
        debate("c", RIGHT, level="Level 9"),
        debate("d", RIGHT),
    ]
    found = evaluation(tmp_path, *given)
    by = found.by("level")
    assert [(name, each.mean, each.n) for name, each in by.items()] == [
        ("Level 9", 1.0, 2),
        ("Level 10", 0.0, 1),
        ("none given", 1.0, 1),
    ]
    assert found.by("subject") == {}


def test_subjects_that_are_as_many_as_problems_are_no_groups(tmp_path: Path) -> None:
    found = evaluation(tmp_path, *(debate(str(i), RIGHT, subject=f"s{i}") for i in range(25)))
    assert found.by("subject") == {}


def test_the_report_holds_every_figure(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", debate("a", RIGHT, ["5", "4"], level=1), debate("b", CUT, level=2))
    told = report_on(run).as_json()
    assert told["run"] == "run"
    assert told["ends"] == {"right": 0.5, "wrong": 0, "cut": 0.5, "unscored": 0, "gave up": 0, "error": 0}
    assert told["results"] == {"a": 1.0, "b": 0.0}
    assert told["revisions"]["gained_rate"] == 1.0
    assert (told["by"]["level"]["1"]["mean"], told["detoured"], told["detours"]) == (1.0, 0.5, 0.5)


def test_a_run_without_debates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no finished debate"):
        evaluation(tmp_path)


def test_problems_that_share_an_id_are_several(tmp_path: Path) -> None:
    one, other = debate("t-1", RIGHT), debate("t-1", WRONG, epoch=1)
    apart = other.model_copy(update={"problem": Problem(id="t-1", question="3+3?", gold="6", scorer="exact")})
    found = evaluation(tmp_path, one, apart)
    assert sorted(trial.right for trial in found.trials.values()) == [0, 1]
    assert all(name.startswith("t-1/") for name in found.trials)
    assert found.votes == [1]
    only = evaluate(tmp_path / "run", only={apart.problem.key})
    assert [trial.problem for trial in only.trials.values()] == [apart.problem]


def test_runs_whose_ids_stand_for_other_problems_are_not_paired(tmp_path: Path) -> None:
    def put(place: str, question: str, gold: str, outcome: Outcome) -> Path:
        asked = Problem(id="test-1", question=question, gold=gold, scorer="exact")
        return run_of(tmp_path / place, debate("test-1", outcome).model_copy(update={"problem": asked}))

    one = put("gsm8k", "2+2?", "4", RIGHT)
    with pytest.raises(UsageError, match=r"math: its problem test-1 is another one than that of .*gsm8k"):
        paired(evaluate(one), evaluate(put("math", "What is 3?", "3", WRONG)))
    # The same one in other words is the same one.
    assert paired(evaluate(one), evaluate(put("worded", "What is 2+2?", "4", WRONG))).only_first == 1
