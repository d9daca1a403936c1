"""Figures against hand-computed values and closed forms; what is asked, what is journalled, what a passport holds."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate
from longthought.agents.errors import ContextLengthError, RefusedError, RewardError, UnreadableVerdict
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward
from longthought.agents.rewards.tools import read_steps
from longthought.agents.seats.contract import Verdict
from longthought.agents.thoughts import Path as Thoughts
from longthought.protocols.journal import Journal
from longthought.synth.labelled.record import Label, LabelledSolution
from longthought.train.judging.ask import Progress, ask_about
from longthought.train.judging.breakdown import by_kind, by_position, reliability
from longthought.train.judging.figures import figures
from longthought.train.judging.passport import Subject, make_passport, read_passport
from longthought.train.judging.said import Said, steps_of


def solution(name: str, *labels: Label | None, kinds: tuple[str | None, ...] = ()) -> LabelledSolution:
    steps = tuple(f"{name}{i}" for i in range(len(labels)))
    return LabelledSolution(id=name, question="q", steps=steps, labels=labels, kinds=kinds)


def values(said: Sequence[Said], **options: object) -> dict[str, float | None]:
    found = figures(steps_of(said, **options), resamples=20)  # type: ignore[arg-type]
    return {name: figure.value for name, figure in found.items()}


#: Two right solutions, one of them flagged once; two wrong ones, one found, one flagged a step too early.
SAID = [
    Said(solution("a", "right", "right"), (0.9, 0.8)),
    Said(solution("b", "right", "right"), (0.9, 0.2)),
    Said(solution("c", "right", "wrong", None), (0.7, 0.1, 0.6)),
    Said(solution("d", "right", "wrong"), (0.4, 0.3)),
]


def test_hand_computed_figures() -> None:
    found = values(SAID)
    # Steps: 6 right of which 2 are flagged, 2 wrong of which 2 are flagged.
    assert found["false_alarms"] == pytest.approx(2 / 6)
    assert found["misses"] == 0
    assert found["step_precision"] == pytest.approx(2 / 4)
    assert found["step_recall"] == 1
    assert found["step_f1_wrong"] == pytest.approx(2 * 2 / (2 * 2 + 2 + 0))
    assert found["step_f1_right"] == pytest.approx(2 * 4 / (2 * 4 + 0 + 2))
    assert found["step_f1"] == pytest.approx((4 / 6 + 8 / 10) / 2)
    assert found["step_mcc"] == pytest.approx((2 * 4 - 2 * 0) / math.sqrt(4 * 2 * 6 * 4))
    # Right steps 0.9 0.8 0.9 0.2 0.7 0.4 against wrong ones 0.1 and 0.3: only 0.2 is below 0.3.
    assert found["auc"] == pytest.approx(11 / 12)
    assert found["first_error_accuracy"] == 0.5
    assert found["right_solution_accuracy"] == 0.5
    assert found["processbench_f1"] == 0.5
    # Whole solutions: both wrong ones are flagged, and one of the right ones.
    assert found["solution_f1"] == pytest.approx((2 * 2 / (2 * 2 + 1) + 2 * 1 / (2 * 1 + 1)) / 2)
    assert found["solution_mcc"] == pytest.approx(2 / math.sqrt(3 * 2 * 2 * 1))
    assert found["mr_score_without_reasons"] == pytest.approx(0.2 * 2 / math.sqrt(12) + 0.3 * 0.5)
    # Bins of a tenth, share right minus score: two of 0.9, one each of 0.8, 0.7, 0.4, 0.3, 0.2, 0.1.
    gaps = 2 * 0.1 + 0.2 + 0.3 + 0.6 + 0.3 + 0.8 + 0.1
    assert found["ece"] == pytest.approx(gaps / 8)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("score", [0.0, 1.0])
def test_a_constant_predictor_gives_its_closed_forms(share: float, score: float) -> None:
    wrong = round(40 * share)
    said = [Said(solution(str(i), "wrong" if i < wrong else "right"), (score,)) for i in range(40)]
    found = values(said)
    flags = score == 0.0
    assert found["step_mcc"] == 0
    assert found["misses"] == (None if not wrong else 0.0 if flags else 1.0)
    assert found["false_alarms"] == (None if wrong == 40 else 1.0 if flags else 0.0)
    assert found["auc"] == (0.5 if 0 < wrong < 40 else None)
    assert found["first_error_accuracy"] == (None if not wrong else 1.0 if flags else 0.0)
    assert found["right_solution_accuracy"] == (None if wrong == 40 else 0.0 if flags else 1.0)
    assert found["processbench_f1"] == (0.0 if 0 < wrong < 40 else None)
    assert found["ece"] is None
    right = 1 - share
    hit, rest = (share, right) if flags else (right, share)
    macro = hit / (1 + hit) if rest else 1.0  # F1 of the class it always says is 2p/(1+p), of the other 0
    assert found["step_f1"] == pytest.approx(macro if hit else 0.0)


def test_a_random_predictor_gives_its_closed_forms() -> None:
    random = np.random.default_rng(5)
    said = [
        Said(solution(str(i), "wrong" if random.random() < 0.3 else "right"), (float(random.random()),))
        for i in range(20_000)
    ]
    found = {k: v or 0.0 for k, v in values(said).items()}
    for name, expected in {
        "auc": 0.5,
        "step_mcc": 0.0,
        "misses": 0.5,
        "false_alarms": 0.5,
        "step_f1_wrong": 2 * 0.15 / (0.3 + 0.5),
        "processbench_f1": 0.5,
    }.items():
        assert found[name] == pytest.approx(expected, abs=0.02), name


def test_intervals_hold_their_value_and_narrow() -> None:
    few, many = (figures(steps_of(SAID * times), resamples=300) for times in (5, 80))
    for name, figure in few.items():
        low, value, high = (x if x is not None else math.nan for x in (figure.low, figure.value, figure.high))
        assert low <= value <= high
        narrow = many[name]
        assert (narrow.high or 0) - (narrow.low or 0) <= high - low
    assert figures(steps_of(SAID), seed=1, resamples=50) == figures(steps_of(SAID), seed=1, resamples=50)


def test_neutral_is_right_unless_told_otherwise() -> None:
    said = [Said(solution("a", "neutral", "right"), (0.2, 0.9))]
    assert values(said)["false_alarms"] == 0.5
    assert values(said, neutral="wrong")["misses"] == 0.0
    assert values(said, neutral="wrong", threshold=0.1)["misses"] == 1.0


def test_unscored_steps_count_nowhere_but_as_unscored() -> None:
    steps = steps_of([Said(solution("a", "right", "wrong"), (None, 0.1)), *SAID])
    assert steps.unscored == 1
    assert len(steps.wrong) == 9
    # As a whole the first solution says nothing: an unread step stands before its flag.
    assert len(steps.whole) == 4


def test_groups_by_position_kind_and_score() -> None:
    said = [
        Said(solution("a", "right", "wrong", kinds=(None, "sign")), (0.9, 0.2)),
        Said(solution("b", "wrong", None, kinds=("sign", None)), (0.95, 0.2)),
    ]
    steps = steps_of(said)
    assert [(c.wrong, c.missed, c.right, c.false_alarms) for c in by_position(steps)] == [
        (1, 1, 1, 0),
        (1, 0, 0, 0),
    ]
    assert {kind: (c.wrong, c.missed) for kind, c in by_kind(steps).items()} == {"sign": (2, 1)}
    filled = [(b.low, b.steps, b.right) for b in reliability(steps) if b.steps]
    assert filled == [(0.2, 1, 0.0), (0.9, 2, 0.5)]


class Graded(Reward):
    """Says 0.8 of steps that end in an even digit; counts how often it is asked."""

    name = "graded"

    def __init__(self, broken: str = "") -> None:
        self.reads = 0
        self._broken = broken

    async def read(self, path: Thoughts) -> Reading:
        self.reads += 1
        text = path.thoughts[-1].text
        if self._broken and text.startswith(self._broken):
            raise RewardError("the server is down")
        return Reading(reward=self.name, value=0.8 if int(text[-1]) % 2 == 0 else 0.2)


async def test_a_reward_is_asked_once_and_its_failures_are_unscored(tmp_path: Path) -> None:
    solutions = [solution("a", "right", "wrong"), solution("b", "right", "right")]
    for reads in (3, 0):
        reward, progress = Graded(broken="b"), Progress()
        journal = Journal(tmp_path)
        said = await ask_about(reward, solutions, journal, progress=progress)
        journal.close()
        assert [one.scores for one in said] == [(0.8, 0.2), (None, None)]
        assert reward.reads == reads
        assert (progress.done, steps_of(said).unscored) == (2, 2)


class Told:
    """A critic that decides by the last step's text, and remembers what it was asked."""

    def __init__(self, decisions: dict[str, Decision | None]) -> None:
        self.decisions = decisions
        self.asked: list[str] = []

    async def judge(self, path: Thoughts) -> Verdict:
        self.asked.append(path.thoughts[-1].text)
        decision = self.decisions.get(path.thoughts[-1].text, Continue())
        if decision is None:
            raise UnreadableVerdict("gibberish", "hm")
        return Verdict(decision)


async def test_a_critics_decisions_as_scores(tmp_path: Path) -> None:
    critic = Told(
        {
            "a1": Backtrack(to=0, why="w"),
            "b0": Reflect(why="w"),
            "c0": None,
            "c1": Terminate(reason="give_up"),
            "d0": Backtrack(to=7, why="beyond the path"),
        }
    )
    solutions = [
        solution("a", "right", "wrong", None),
        solution("b", "right", "right"),
        solution("c", "right", "right"),
        solution("d", "right"),
        solution("e", "right", "wrong", None, None),
    ]
    journal = Journal(tmp_path)
    said = await ask_about(critic, solutions, journal)
    journal.close()
    assert [one.scores for one in said] == [
        (1.0, 0.0, None),  # flagged, so what follows the labelled steps is not asked about
        (0.0, 1.0),
        (None, None),
        (None,),
        (1.0, 1.0, 1.0, 1.0),
    ]
    assert critic.asked.count("c0") == 3
    assert "a2" not in critic.asked


async def test_a_critic_is_shown_the_readings_that_its_debates_show_it(tmp_path: Path) -> None:
    seen: list[tuple[str, ...]] = []

    class Watching:
        async def judge(self, path: Thoughts) -> Verdict:
            seen.append(tuple(str(reading) for turn in path.walk for reading in turn.readings))
            return Verdict(Continue())

    journal = Journal(tmp_path)
    await ask_about(Watching(), [solution("a", "right", "right")], journal, injected=[Graded()])
    journal.close()
    assert sorted(seen) == [("graded: 0.80",), ("graded: 0.80", "graded: 0.20")]


async def test_a_slow_reward_leaves_steps_unscored() -> None:
    class Slow(Graded):
        async def read(self, path: Thoughts) -> Reading:
            await asyncio.sleep(30)
            return await super().read(path)

    slow = Slow()
    slow.timeout = 0.01
    readings = await read_steps(slow, solution("a", "right", "right").path())
    assert [(reading.score, reading.why) for reading in readings] == [(None, "no reading within 0.02 s")] * 2


async def test_a_passport_comes_back_as_it_was(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text("{}\n")
    subject = Subject(kind="reward", name="graded", identity={"reward": "graded"})
    passport = make_passport(
        subject, steps_of(SAID), data, Progress(seconds=1.5), threshold=0.5, neutral="right"
    )
    file = tmp_path / "passport.json"
    file.write_text(passport.model_dump_json())
    assert read_passport(file) == passport
    assert passport.subject_hash == Subject(kind="reward", name="other", identity={"reward": "graded"}).hash
    assert passport.figures == figures(steps_of(SAID))
    assert (passport.data.labelled_steps, passport.data.wrong_steps) == (8, 2)


@pytest.mark.parametrize("error", [ContextLengthError("too long"), RefusedError("no")])
async def test_a_prompt_that_the_critics_server_will_not_take_says_nothing_of_its_step(
    tmp_path: Path, error: Exception
) -> None:
    class Limited(Told):
        async def judge(self, path: Thoughts) -> Verdict:
            if path.depth > 1:
                raise error
            return await super().judge(path)

    journal = Journal(tmp_path)
    (one, other) = await ask_about(
        Limited({"b0": Reflect(why="w")}),
        [solution("a", "right", "right"), solution("b", "wrong", "wrong")],
        journal,
    )
    journal.close()
    assert (one.scores, other.scores) == ((1.0, None), (0.0, None))
