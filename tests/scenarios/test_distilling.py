"""``longthought distil``: whole solutions of a reasoning model, told apart, scored and resumed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from longthought.agents.errors import RefusedError, RunError, UsageError
from longthought.agents.models.contract import Reply
from longthought.agents.models.loopback import LoopbackServer
from longthought.agents.models.scripted import ScriptedModel
from longthought.protocols.transcript_files import read_transcripts
from longthought.scenarios.distilling import (
    MAX_TOKENS,
    Distilled,
    DistilOptions,
    distil,
    thought_and_response,
)
from tests.scenarios import rewriting_models
from tests.scenarios.command_line import Call
from tests.scenarios.scripted_scenarios import write


def scenario(tmp_path: Path, manner: str = "tags", problems: int = 3) -> str:
    models = {"mind": {"engine": "tests.scenarios.rewriting_models:Reasoner", "options": {"manner": manner}}}
    seats = {"policy": {"model": "mind"}, "critic": {"model": "mind"}}
    return str(write(tmp_path, problems, models=models, seats=seats))


def options(tmp_path: Path, **changes: Any) -> DistilOptions:
    return replace(
        DistilOptions(out=tmp_path / "thoughts.jsonl", allow_import=True, max_at_once=1), **changes
    )


def distilled(tmp_path: Path, manner: str = "tags", **changes: Any) -> tuple[Distilled, list[dict[str, Any]]]:
    rewriting_models.asked.clear()
    given = options(tmp_path, **changes)
    made = asyncio.run(distil(scenario(tmp_path, manner), given))
    return made, [orjson.loads(line) for line in given.out.read_bytes().splitlines()]


@pytest.mark.parametrize("manner", ["tags", "server"])
def test_a_row_for_each_sample(tmp_path: Path, manner: str) -> None:
    made, rows = distilled(tmp_path, manner, samples=2)
    assert (made.samples, made.right, made.thoughts, made.written) == (6, 3, 6, 6)
    first = rows[0]
    assert first == {
        "id": first["id"],
        "question": "What is 0+1?",
        "gold": "1",
        "reasoning": "Let me add 0 and 1.",
        "response": "Answer: 1",
        "answer": "1",
        "right": True,
        "finish": "stop",
        "model": f"reasoner-{manner}",
        "usage": {"prompt": 9, "completion": 7},
    }
    assert [row["id"].rpartition("#")[2] for row in rows] == ["0", "1"] * 3
    assert [row["right"] for row in rows] == [True, False] * 3
    assert rewriting_models.asked[0][0].startswith("What is 0+1?\n\n")


def test_only_the_right_ones(tmp_path: Path) -> None:
    made, rows = distilled(tmp_path, samples=2, right_only=True)
    assert (made.samples, made.written) == (6, 3)
    assert all(row["right"] for row in rows)
    # What was left out is in the journal all the same.
    made, rows = distilled(tmp_path, samples=2)
    assert (made.now, len(rows), len(rewriting_models.asked)) == (0, 6, 0)


def test_a_thought_that_breaks_off_has_no_answer(tmp_path: Path) -> None:
    made, rows = distilled(tmp_path, "cut")
    assert (made.right, made.thoughts) == (0, 3)
    assert {(row["finish"], row["response"], row["answer"], row["right"]) for row in rows} == {
        ("length", "", None, None)
    }


def test_it_resumes_without_asking_twice(tmp_path: Path) -> None:
    given = options(tmp_path, samples=2)
    distilled(tmp_path, samples=2)
    whole = given.out.read_bytes()
    journal = tmp_path / "thoughts.jsonl.work" / "journal-0.jsonl"
    events = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(events[:-4]))  # of the last sample nothing is left
    made, _ = distilled(tmp_path, samples=2)
    assert (made.now, len(rewriting_models.asked)) == (1, 1)
    # The scripted model counts its samples, so the last one is right this time; the others are as they were.
    assert given.out.read_bytes().splitlines()[:-1] == whole.splitlines()[:-1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<think>a\nb</think>c", ("a\nb", "c")),
        ("a</think>\n\nc", ("a", "c")),
        ("<|begin_of_thought|>a<|end_of_thought|><|begin_of_solution|>c<|end_of_solution|>", ("a", "c")),
        ("<Thought>a</Thought>\n<Output>c</Output>", ("a", "c")),
        ("just an answer", ("", "just an answer")),
    ],
)
def test_thought_and_response_are_told_apart(text: str, told: tuple[str, str]) -> None:
    assert thought_and_response(Reply(text)) == told


def test_an_agent_cannot_be_distilled_from(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"seats\.policy: only a model"):
        asyncio.run(distil("countdown-teacher", options(tmp_path)))


def test_the_command_tells_what_came_of_it(tmp_path: Path, call: Call) -> None:
    out = str(tmp_path / "new.jsonl")
    code, said, wrong = call("distil", scenario(tmp_path), "--out", out, "--limit", "2", "--allow-import")
    assert code == 0, wrong
    assert "2 samples: 1 right, 2 with a thought" in said


async def test_over_the_wire_a_servers_reasoning_is_the_thought(tmp_path: Path) -> None:
    def think(body: dict[str, Any]) -> Reply:
        assert body["max_tokens"] == MAX_TOKENS
        return Reply("Answer: 1", reasoning="Nothing and one is one.")

    async with LoopbackServer(think) as server:
        models = {"mind": {"engine": "openai", "model": "loopback", "base_url": server.base_url}}
        seats = {"policy": {"model": "mind"}, "critic": {"model": "mind"}}
        file = str(write(tmp_path, 1, models=models, seats=seats))
        made = await distil(file, options(tmp_path))
    (row,) = map(orjson.loads, (tmp_path / "thoughts.jsonl").read_bytes().splitlines())
    assert (made.right, row["reasoning"], row["response"]) == (1, "Nothing and one is one.", "Answer: 1")


async def test_a_server_that_is_not_there_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    models = {"mind": {"engine": "openai", "model": "loopback", "base_url": "http://127.0.0.1:9/v1"}}
    seats = {"policy": {"model": "mind"}, "critic": {"model": "mind"}}
    with pytest.raises(RunError, match="cannot be reached"):
        await distil(str(write(tmp_path, 1, models=models, seats=seats)), options(tmp_path))


class Moody(ScriptedModel):
    """Thinks, answers without a thought, breaks off within the answer, says nothing, and refuses."""

    def __init__(self) -> None:
        super().__init__(
            [
                Reply("Answer: 1", reasoning="Nothing and one is one."),
                Reply("Answer: 3"),
                Reply("Answer: 5, or", finish="length"),
                Reply(""),
                RefusedError("not this one"),
                Reply("Answer: 11", reasoning="Five and six is eleven."),
            ],
            "moody",
        )


def test_what_is_distilled_is_imported_and_exported(tmp_path: Path, call: Call) -> None:
    models = {"mind": {"engine": "tests.scenarios.test_distilling:Moody"}}
    seats = {"policy": {"model": "mind"}, "critic": {"model": "mind"}}
    file = str(write(tmp_path, 6, models=models, seats=seats))
    code, _, wrong = call("distil", file, "--out", "new.jsonl", "--max-connections", "1", "--allow-import")
    assert code == 0, wrong
    rows = [orjson.loads(line) for line in (tmp_path / "new.jsonl").read_bytes().splitlines()]
    assert [row["finish"] for row in rows] == ["stop", "stop", "length", "stop", "refused", "stop"]
    code, said, wrong = call("import", "new.jsonl", "--out", "imported.jsonl.zst")
    assert code == 0, wrong
    assert "6 transcripts of 6 rows: solved 3, limit:tokens 3" in said
    transcripts = list(read_transcripts(tmp_path / "imported.jsonl.zst"))
    assert [len(transcript.thoughts) for transcript in transcripts] == [2, 1, 1, 0, 0, 2]
    assert [transcript.problem.gold for transcript in transcripts] == ["1", "3", "5", "7", "9", "11"]
    kinds = ("--kinds", "journey,rejection,step_labels", "--option", "journey.solved_only=false")
    code, _, wrong = call("export", "imported.jsonl.zst", "--out", "corpus", *kinds)
    assert code == 0, wrong
    journeys = (tmp_path / "corpus" / "journey" / "train.jsonl").read_bytes().splitlines()
    assert [orjson.loads(line)["messages"][1]["content"] for line in journeys] == [
        "<think>\nNothing and one is one.\n</think>\n\nAnswer: 1",
        "<think>\nAnswer: 3\n</think>\n\nAnswer: 3",
        "<think>\nFive and six is eleven.\n</think>\n\nAnswer: 11",
    ]
    code, _, wrong = call("stats", "new.jsonl", "--json", "stats.json")
    assert code == 0, wrong
    assert [
        (one["thoughts"], one["finished"], one["right"])
        for one in orjson.loads((tmp_path / "stats.json").read_bytes())
    ] == [(5, 2, 2), (1, 1, 1)]
