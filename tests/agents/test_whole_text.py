"""Half characters never get past the door: everything behind it can be written as UTF-8."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longthought.agents.models.contract import Message, Reply, Sampling
from longthought.agents.models.loopback import LoopbackServer
from longthought.agents.models.loopback_faults import Fault
from longthought.agents.models.openai_http import OpenAIModel
from longthought.agents.whole_text import whole_json, whole_text
from longthought.scenarios.dataset_files import file_rows

HALF = "a \ud83d b"
WHOLE = "a \N{REPLACEMENT CHARACTER} b"


@given(st.text(st.characters(codec=None, categories=None)))
def test_whole_text_can_be_written_and_whole_text_stays(text: str) -> None:
    whole = whole_text(text)
    whole.encode()
    assert whole_text(whole) == whole
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert whole == text


def test_two_halves_become_the_character() -> None:
    assert whole_text("\ud83d\ude00") == "\N{GRINNING FACE}"
    assert whole_json({"a": [HALF, 1, None]}) == {"a": [WHOLE, 1, None]}


def test_replies_are_whole() -> None:
    reply = Reply(HALF, reasoning=HALF)
    assert (reply.text, reply.reasoning) == (WHOLE, WHOLE)
    orjson.dumps(reply.to_json())


@pytest.mark.parametrize(
    ("sent", "read"), [(rb"a \ud83d b", WHOLE), (rb"\ud83d\ude00", "\N{GRINNING FACE}"), (b"a \xff b", WHOLE)]
)
async def test_a_server_that_sends_half_characters_is_read(sent: bytes, read: str) -> None:
    class Escapes(LoopbackServer):
        def _answer(self, body: dict[str, Any]) -> Any:
            answer = super()._answer(body)
            assert not isinstance(answer, Fault)
            assert isinstance(answer.body, bytes)
            answer.body = answer.body.replace(b"TEXT", sent)
            return answer

    async with Escapes(lambda body: "TEXT") as server:
        model = OpenAIModel("loopback", server.base_url)
        (reply,) = await model.sample([Message("user", "?")], Sampling())
        await model.close()
    assert reply.text == read


def test_dataset_rows_are_whole(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"question": HALF, "answer": "4"}) + "\n")
    assert [row for _, row in file_rows(file)] == [{"question": WHOLE, "answer": "4"}]
