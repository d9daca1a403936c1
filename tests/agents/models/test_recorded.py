"""What was recorded once is replayed without the engine that said it."""

from __future__ import annotations

from pathlib import Path

import pytest

from longthought.agents.errors import FatalModelError, RetryableError, UsageError
from longthought.agents.models.contract import Message, Reply, Sampling, Usage
from longthought.agents.models.recorded import RecordedModel
from longthought.agents.models.scripted import ScriptedModel

ASK = [Message("user", "go")]


async def test_a_recording_replays_in_order_per_request(tmp_path: Path) -> None:
    file = tmp_path / "said.jsonl"
    whole = Reply("b", "length", Usage(3, 2, 1), "because", (1, 2), (-0.1, -0.2))
    recording = RecordedModel(file, ScriptedModel(["a", whole, "c", "d"]))
    said = [await recording.sample(ASK, Sampling()), await recording.sample(ASK, Sampling())]
    said.append(await recording.sample(ASK, Sampling(temperature=0), 2))
    await recording.close()

    replaying = RecordedModel(file)
    assert await replaying.sample(ASK, Sampling(temperature=0), 2) == said[2]
    assert await replaying.sample(ASK, Sampling()) == said[0]
    assert await replaying.sample(ASK, Sampling()) == said[1] == [whole]
    with pytest.raises(FatalModelError, match=r"said\.jsonl: holds no \(further\) reply"):
        await replaying.sample(ASK, Sampling())


async def test_errors_are_not_recorded(tmp_path: Path) -> None:
    file = tmp_path / "said.jsonl"
    recording = RecordedModel(file, ScriptedModel([RetryableError("busy"), "fine"]))
    with pytest.raises(RetryableError):
        await recording.sample(ASK, Sampling())
    await recording.sample(ASK, Sampling())
    assert (await RecordedModel(file).sample(ASK, Sampling()))[0].text == "fine"


def test_a_missing_or_foreign_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.jsonl"):
        RecordedModel(tmp_path / "absent.jsonl")
    other = tmp_path / "other.jsonl"
    other.write_text('{"request": "x", "replies": []}\n{"question": 1}\n')
    with pytest.raises(UsageError, match=r"other\.jsonl:2"):
        RecordedModel(other)


def test_a_recording_that_cannot_be_written_asks_nobody(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        RecordedModel(tmp_path / "no" / "said.jsonl", ScriptedModel([]))
