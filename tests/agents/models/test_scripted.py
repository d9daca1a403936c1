"""The scripted engine says what it was told to, and counts."""

from __future__ import annotations

import pytest

from longthought.agents.errors import FatalModelError, RetryableError
from longthought.agents.models.contract import Message, Reply, Sampling, ToolMessage, Usage
from longthought.agents.models.scripted import ScriptedModel

ASK = [Message("system", "be brief"), Message("user", "go on then")]


async def test_a_list_is_used_up_in_order() -> None:
    model = ScriptedModel(["one", Reply("two", "length"), "three four"])
    first, second = await model.sample(ASK, Sampling(), 2)
    (third,) = await model.sample(ASK, Sampling())
    assert (first.text, second.finish, third.text) == ("one", "length", "three four")
    assert third.usage == Usage(prompt=5, completion=2)
    with pytest.raises(FatalModelError, match="no more replies"):
        await model.sample(ASK, Sampling())


async def test_a_function_sees_messages_and_sampling() -> None:
    model = ScriptedModel(lambda messages, sampling: f"{len(messages)} {sampling.seed}")
    (reply,) = await model.sample([*ASK, ToolMessage({"role": "tool"})], Sampling(seed=3))
    assert reply.text == "3 3"


async def test_only_the_first_of_n_replies_carries_the_prompt() -> None:
    replies = await ScriptedModel(lambda messages, sampling: "x").sample(ASK, Sampling(), 3)
    assert [reply.usage.prompt for reply in replies] == [5, 0, 0]


async def test_an_exception_in_the_list_is_raised_and_the_list_goes_on() -> None:
    model = ScriptedModel([RetryableError("busy"), "fine"])
    with pytest.raises(RetryableError, match="busy"):
        await model.sample(ASK, Sampling())
    assert (await model.sample(ASK, Sampling()))[0].text == "fine"


async def test_requests_are_kept_for_assertions() -> None:
    model = ScriptedModel(["a"])
    await model.sample(ASK, Sampling(seed=1))
    assert model.requests == [(tuple(ASK), Sampling(seed=1), 1)]
