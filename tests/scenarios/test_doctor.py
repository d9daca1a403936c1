"""The doctor finds what is wrong with an endpoint, and says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from longthought.agents.models.contract import Reply
from longthought.agents.models.loopback import LoopbackServer, Script
from longthought.agents.models.loopback_faults import Fault
from longthought.scenarios.doctor import Finding, examine

KEY = "sk-very-secret-0123456789"
ALL = ["health", "models", "one token", "n", "structured output", "reasoning", "context length"]


async def seen(
    script: Script = lambda body: "hello", model: str | None = None, **settings: Any
) -> dict[str, Finding]:
    async with LoopbackServer(script, **settings) as server:
        findings = await examine(server.base_url, model, KEY, timeout=5)
    assert KEY not in repr(findings)
    assert all(finding.advice for finding in findings if finding.grade != "ok")
    return {finding.check: finding for finding in findings}


async def test_a_good_endpoint_passes_every_check() -> None:
    found = await seen(max_model_len=4096)
    assert list(found) == ALL
    assert {finding.grade for finding in found.values()} == {"ok"}
    assert "loopback" in found["models"].what
    assert "4096 tokens" in found["context length"].what


async def test_what_can_be_done_without_is_a_warning() -> None:
    found = await seen(native_n=False, structured="refuse", max_model_len=512)
    assert list(found) == ALL
    warned = [check for check, finding in found.items() if finding.grade == "warn"]
    assert warned == ["n", "structured output", "context length"]
    assert "memory: path" in found["context length"].advice


async def test_ignored_constraints_are_noticed() -> None:
    found = await seen(structured="ignore")
    assert "ignored" in found["structured output"].what


async def test_constrained_replies_without_content_point_to_the_reasoning_parser() -> None:
    found = await seen(lambda body: Fault("null_content") if "structured_outputs" in body else "hello")
    assert "--reasoning-parser" in found["structured output"].advice


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
async def test_the_reasoning_field_is_named(field: str) -> None:
    found = await seen(lambda body: Reply("42", reasoning="17 + 25"), reasoning_field=field)
    assert found["reasoning"].what.endswith(f"the field {field}")


async def test_thinking_inside_the_answer_is_a_warning() -> None:
    found = await seen(lambda body: "<think>17 + 25</think> 42")
    assert found["reasoning"].grade == "warn"


async def test_the_context_length_is_read_from_the_error_where_it_is_not_listed() -> None:
    found = await seen(max_model_len=3000, lists_length=False)
    assert found["context length"].what == "3000 tokens, as its error says"


async def test_a_wrong_model_gets_the_list_of_right_ones() -> None:
    found = await seen(model="gpt-9", models=("tiny", "small"))
    assert found["models"].grade == "fail"
    assert "tiny, small" in found["models"].advice
    assert list(found) == ALL[:2]


async def test_a_wrong_key_is_told() -> None:
    found = await seen(api_key="another")
    assert found["models"].grade == "fail"
    assert "API key" in found["models"].advice


async def test_no_server_is_one_finding() -> None:
    async with LoopbackServer(lambda body: "hello") as server:
        pass
    (finding,) = await examine(server.base_url, api_key=KEY)
    assert (finding.check, finding.grade) == ("health", "fail")
    assert "running" in finding.advice


@pytest.mark.parametrize("kind", ["html", "no_choices", "broken_json", "error_in_200", "reset"])
async def test_broken_replies_are_findings_not_crashes(kind: Any) -> None:
    found = await seen(lambda body: Fault(kind))
    assert list(found) == ALL[:3]
    assert found["one token"].grade == "fail"
    assert found["one token"].what
