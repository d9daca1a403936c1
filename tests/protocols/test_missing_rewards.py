"""F15 of the fault matrix: a reward that is down or slow; the debate goes on without it or waits, as it is told."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from longthought.agents.calls import sample
from longthought.agents.errors import FatalModelError, RewardError
from longthought.agents.models.contract import Message, Sampling
from longthought.agents.models.scripted import ScriptedModel
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward
from longthought.agents.thoughts import Path as ThoughtPath
from longthought.protocols.journal import Journal
from longthought.protocols.runner import assignments, run_debates
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts
from tests.protocols.scripted_debates import debate, problem

STEPS = ["2+2=4", "answer: 4"]
VERDICTS = ["continue", "terminate solved"]


class Down(Reward):
    """Fails until ``back`` (monotonic seconds), or hangs instead; then reads 0.5."""

    name = "down"

    def __init__(self, back: float, patience: float, hangs: bool = False) -> None:
        self.back, self.patience, self.hangs = back, patience, hangs
        self.timeout = 0.05

    async def read(self, path: ThoughtPath) -> Reading:
        if time.monotonic() < self.back:
            if self.hangs:
                await asyncio.sleep(60)
            raise RewardError("connection refused")
        return Reading(reward=self.name, value=0.5)


async def _play(directory: Path, reward: Reward) -> Transcript:
    rules, _, _ = debate(STEPS, VERDICTS, injected=[reward])
    journal = Journal(directory)
    await run_debates(assignments([problem()], 1, 0), rules, journal, 1)
    journal.close()
    (transcript,) = read_transcripts(directory)
    return transcript


@pytest.mark.parametrize("hangs", [False, True])
async def test_without_patience_the_verdict_is_made_without_the_reading(tmp_path: Path, hangs: bool) -> None:
    transcript = await _play(tmp_path, Down(back=time.monotonic() + 3600, patience=0, hangs=hangs))
    assert transcript.outcome.kind == "solved"
    for judgement in transcript.judgements:
        (reading,) = judgement.readings
        assert judgement.reward_missing
        assert reading.missing
        assert reading.unscored
        assert reading.score is None
        assert reading.value is None
        assert reading.why == ("no reading within 0.05 s" if hangs else "could not read: connection refused")


@pytest.mark.parametrize("hangs", [False, True])
async def test_with_patience_the_debate_waits_until_the_reward_is_back(tmp_path: Path, hangs: bool) -> None:
    started = time.monotonic()
    transcript = await _play(tmp_path, Down(back=started + 0.6, patience=60, hangs=hangs))
    assert time.monotonic() - started >= 0.6
    assert [judgement.readings[0].value for judgement in transcript.judgements] == [0.5, 0.5]
    assert not any(judgement.reward_missing for judgement in transcript.judgements)


async def test_patience_ends(tmp_path: Path) -> None:
    started = time.monotonic()
    transcript = await _play(tmp_path, Down(back=started + 3600, patience=0.4))
    assert 0.8 <= time.monotonic() - started < 10
    assert all(judgement.reward_missing for judgement in transcript.judgements)


def test_what_is_missing_has_no_value() -> None:
    with pytest.raises(ValueError, match="missing"):
        Reading(reward="down", value=0.0, missing=True)


class Asks(Down):
    """Asks a model before it reads, as a judge does."""

    asks_models = True

    def __init__(self, model: ScriptedModel, back: float) -> None:
        super().__init__(back, patience=0)
        self.model = model

    async def read(self, path: ThoughtPath) -> Reading:
        await sample(self.model, [Message("user", path.thoughts[-1].text)], Sampling())
        if time.monotonic() < self.back:
            raise ConnectionRefusedError("refused")
        return await super().read(path)


async def test_a_resumed_run_does_without_what_it_did_without(tmp_path: Path) -> None:
    """The journal breaks off after the first verdict, made while the reward was down; on resume it is up."""
    down = Asks(ScriptedModel(["so", "so"]), back=time.monotonic() + 3600)
    rules, _, _ = debate(STEPS, VERDICTS, injected=[down])
    journal = Journal(tmp_path)
    await run_debates(assignments([problem()], 1, 0), rules, journal, 1)
    journal.close()
    (whole,) = read_transcripts(tmp_path)
    lines = journal.file.read_bytes().splitlines(keepends=True)
    first = next(at for at, line in enumerate(lines) if b'"kind":"judged"' in line)
    journal.file.write_bytes(b"".join(lines[: first + 1]))
    model = ScriptedModel(["yes"])
    rules, _, _ = debate(STEPS[1:], VERDICTS[1:], injected=[Asks(model, back=0.0)])
    journal = Journal(tmp_path)
    await run_debates(assignments([problem()], 1, 0), rules, journal, 1)
    journal.close()
    (transcript,) = read_transcripts(tmp_path)
    assert [judgement.reward_missing for judgement in transcript.judgements] == [True, False]
    assert len(model.requests) == 1
    assert (transcript.usage["reward"], transcript.calls["policy"]) == (
        whole.usage["reward"],
        whole.calls["policy"],
    )


class Unpaid(Reward):
    name = "unpaid"
    asks_models = True

    async def read(self, path: ThoughtPath) -> Reading:
        raise FatalModelError("401: no such key")


async def test_a_reward_whose_model_will_never_answer_ends_the_run(tmp_path: Path) -> None:
    rules, _, _ = debate(STEPS, VERDICTS, injected=[Unpaid()])
    journal = Journal(tmp_path)
    with pytest.raises(FatalModelError, match="no such key"):
        await run_debates(assignments([problem()], 1, 0), rules, journal, 1)
    journal.close()
