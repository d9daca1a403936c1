"""The transformers engine: what shares a batch does not matter; requests end for the right reason."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from longthought.agents.errors import ContextLengthError, FatalModelError, UsageError
from longthought.agents.models.contract import Message, Reply, Sampling, ToolMessage
from longthought.agents.models.random_model import write_random_model
from longthought.agents.models.transformers_engine import TransformersModel

END = 256  # the random model's <|end|>


@pytest_asyncio.fixture
async def model(random_model: Path) -> AsyncIterator[TransformersModel]:
    torch.set_num_threads(1)
    engine = TransformersModel(random_model)
    yield engine
    await engine.close()


def user(text: str) -> list[Message]:
    return [Message("user", text)]


def mixed_requests(count: int) -> list[tuple[list[Message], Sampling, int]]:
    """Requests that differ in everything that may differ."""
    return [
        (
            user("x" * (7 * i % 90) + str(i)),
            Sampling(
                temperature=(0.0, 0.7, 1.5)[i % 3],
                top_p=(1.0, 0.8)[i % 2],
                seed=i,
                max_tokens=5 + 3 * i % 17,
                stop=("e",) if i % 5 == 0 else (),
                choice=("yes", "yesterday", "no") if i % 7 == 0 else (),
                logprobs=True,
            ),
            1 + i % 3,
        )
        for i in range(count)
    ]


def what_was_said(replies: list[Reply]) -> list[tuple[str, str, tuple[int, ...] | None]]:
    return [(reply.text, reply.finish, reply.token_ids) for reply in replies]


async def test_replies_do_not_depend_on_the_batch(random_model: Path, model: TransformersModel) -> None:
    requests = mixed_requests(64)
    batched = await asyncio.gather(*(model.sample(*request) for request in requests))
    crowded = TransformersModel(random_model, max_batch=5)
    queued = await asyncio.gather(*(crowded.sample(*request) for request in requests[:30]))
    await crowded.close()
    single = [await model.sample(*request) for request in requests[:30]]
    said = [what_was_said(replies) for replies in single]
    assert [what_was_said(replies) for replies in batched[:30]] == said
    assert [what_was_said(replies) for replies in queued] == said
    assert [len(replies) for replies in batched] == [n for _, _, n in requests]
    for one, other in zip(batched, single, strict=False):
        assert one[0].logprobs == pytest.approx(other[0].logprobs, abs=1e-4)


async def test_n_replies_differ_and_a_seed_brings_them_back(model: TransformersModel) -> None:
    sampling = Sampling(temperature=1, seed=3, max_tokens=12)
    three, two, unseeded, again = await asyncio.gather(
        model.sample(user("hi"), sampling, 3),
        model.sample(user("hi"), sampling, 2),
        model.sample(user("hi"), Sampling(temperature=1, max_tokens=12)),
        model.sample(user("hi"), Sampling(temperature=1, max_tokens=12)),
    )
    assert len({reply.text for reply in three}) == 3
    assert two == three[:2]
    assert unseeded[0].text != again[0].text
    assert [reply.usage.prompt for reply in three] == [3, 0, 0]


async def test_it_ends_at_the_limit_at_a_stop_string_or_at_the_end_token(model: TransformersModel) -> None:
    (long,) = await model.sample(user("go"), Sampling(temperature=0, max_tokens=10, logprobs=True))
    assert (long.finish, long.usage.completion, len(long.token_ids or ())) == ("length", 10, 10)

    text = (await model.sample(user("go"), Sampling(temperature=1, seed=1, max_tokens=60)))[0].text
    stop = text[20:22]
    (cut,) = await model.sample(
        user("go"), Sampling(temperature=1, seed=1, max_tokens=60, stop=("\0\0", stop))
    )
    assert (cut.text, cut.finish) == (text[: text.index(stop)], "stop")
    assert cut.usage.completion < 60

    replies = await model.sample(
        user("go"), Sampling(temperature=3, seed=1, max_tokens=300, logprobs=True), 8
    )
    ended = [reply for reply in replies if reply.finish == "stop"]
    assert ended
    for reply in ended:
        assert reply.token_ids is not None
        assert reply.token_ids.index(END) == reply.usage.completion - 1
        assert "<|end|>" not in reply.text


async def test_the_context_ends_a_prompt_and_caps_a_reply(random_model: Path) -> None:
    model = TransformersModel(random_model, context=50)
    (reply,) = await model.sample(user("x" * 46), Sampling(temperature=0, max_tokens=500))
    assert (reply.usage.prompt, reply.usage.completion, reply.finish) == (47, 3, "length")
    results = await asyncio.gather(
        model.sample(user("x" * 49), Sampling()), model.sample(user("ok"), Sampling()), return_exceptions=True
    )
    assert isinstance(results[0], ContextLengthError)
    assert str(results[0]) == "the prompt has 50 tokens, the context 50"
    assert isinstance(results[1], list)
    await model.close()


async def test_special_tokens_in_a_text_stay_text(model: TransformersModel) -> None:
    (reply,) = await model.sample(user("a<|end|>b<|pad|>"), Sampling(max_tokens=1))
    assert reply.usage.prompt == len("a<|end|>b<|pad|>") + 1


async def test_logprobs_are_those_of_a_plain_forward_pass(
    model: TransformersModel, random_model: Path
) -> None:
    loader: Any = AutoModelForCausalLM
    plain = loader.from_pretrained(random_model)
    tokenizers: Any = AutoTokenizer
    prompt = [*tokenizers.from_pretrained(random_model)("pq")["input_ids"], END]
    replies = await model.sample(user("pq"), Sampling(temperature=1, seed=5, max_tokens=20, logprobs=True), 2)
    for reply in replies:
        assert reply.token_ids is not None
        assert reply.logprobs is not None
        ids = torch.tensor([[*prompt, *reply.token_ids]])
        with torch.no_grad():
            logits = plain(ids).logits[0, len(prompt) - 1 : -1]
        wanted: Any = torch.log_softmax(logits, -1)[torch.arange(len(reply.token_ids)), ids[0, len(prompt) :]]
        assert reply.logprobs == pytest.approx(wanted.tolist(), abs=1e-4)


async def test_a_choice_is_one_of_those_given(model: TransformersModel) -> None:
    choices = ("continue", "cont", "backtrack", "<|end|>")
    replies = await model.sample(
        user("?"), Sampling(temperature=5, seed=0, choice=choices, max_tokens=20), 40
    )
    assert {reply.text for reply in replies} <= set(choices)
    assert len({reply.text for reply in replies}) >= 3
    assert {reply.finish for reply in replies} == {"stop"}


async def test_a_cancelled_request_leaves_the_others_alone(model: TransformersModel) -> None:
    sampling = Sampling(temperature=1, seed=1, max_tokens=60)
    (alone,) = await model.sample(user("b"), sampling)
    tasks = [asyncio.create_task(model.sample(user(text), sampling)) for text in "aabaa"]
    await asyncio.sleep(0.01)
    for task in (*tasks[:2], *tasks[3:]):
        task.cancel()
    assert (await tasks[2])[0].text == alone.text


async def test_requests_after_or_during_close_are_refused(random_model: Path) -> None:
    model = TransformersModel(random_model)
    waiting = asyncio.create_task(model.sample(user("x"), Sampling(temperature=0, max_tokens=1000)))
    await asyncio.sleep(0)
    await model.close()
    await model.close()
    with pytest.raises(FatalModelError, match="closed"):
        await waiting
    with pytest.raises(FatalModelError, match="closed"):
        await model.sample(user("x"), Sampling())


async def test_what_cannot_be_said_or_loaded_is_one_clear_line(
    model: TransformersModel, tmp_path: Path
) -> None:
    with pytest.raises(FatalModelError, match="tool messages"):
        await model.sample([ToolMessage({"role": "tool"})], Sampling())
    with pytest.raises(FatalModelError, match="empty"):
        await model.sample([], Sampling())
    for source, message in ((tmp_path / "none", "does not exist"), (tmp_path, "config.json is missing")):
        with pytest.raises(UsageError, match=message):
            TransformersModel(source)
    broken = write_random_model(tmp_path / "broken")
    (broken / "model.safetensors").rename(broken / "weights.txt")
    with pytest.raises(UsageError, match=r"\*\.safetensors are missing"):
        TransformersModel(broken)
    (broken / "model.safetensors").write_bytes(b"nonsense")
    damaged = TransformersModel(broken)
    for _ in range(2):
        with pytest.raises(FatalModelError, match="cannot be loaded"):
            await damaged.sample(user("x"), Sampling())
    await damaged.close()
