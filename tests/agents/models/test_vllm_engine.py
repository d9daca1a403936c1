"""The vLLM engine on a real vLLM, started once for all tests of this file: it takes half a minute."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import multiprocessing
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import torch
from safetensors import torch as safetensors

from longthought.agents.errors import ContextLengthError, FatalModelError, UsageError
from longthought.agents.models.contract import Message, Sampling
from longthought.agents.models.vllm_engine import VllmModel
from longthought.agents.verdict_format import read_verdict, verdict_regex

pytest.importorskip("vllm")
pytestmark = [
    pytest.mark.vllm,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
    # vLLM 0.32 with torch 2.13, at import.
    pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.torch.distributed.reduce_op. is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Unclosed context:ResourceWarning"),
]


def write_adapter(path: Path) -> Path:
    """A random LoRA adapter for the random model, in peft's format."""
    generator = torch.Generator().manual_seed(0)
    key = "base_model.model.model.layers.{}.self_attn.{}_proj.lora_{}.weight"
    shapes = {"A": (8, 64), "B": (64, 8)}
    weights = {
        key.format(layer, projection, side): torch.randn(shape, generator=generator)
        for layer in range(2)
        for projection in "qv"
        for side, shape in shapes.items()
    }
    path.mkdir()
    files: Any = safetensors
    files.save_file(weights, path / "adapter_model.safetensors")
    config: dict[str, Any] = {
        "peft_type": "LORA",
        "r": 8,
        "lora_alpha": 16,
        "target_modules": ["q_proj", "v_proj"],
    }
    (path / "adapter_config.json").write_text(json.dumps(config))
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seats(
    random_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[VllmModel, VllmModel]]:
    """The base model, and an adapter on the same engine."""
    base = VllmModel(random_model, max_model_len=1000)
    tuned = base.with_lora(write_adapter(tmp_path_factory.mktemp("lora") / "critic"))
    yield base, tuned
    await base.close()
    await tuned.close()
    with pytest.raises(FatalModelError, match="closed"):
        await tuned.sample(user("x"), Sampling())
    gc.collect()  # vLLM leaves a ZeroMQ context behind; here its warning is expected


def user(text: str) -> list[Message]:
    return [Message("user", text)]


async def test_sixteen_requests_at_once_each_with_two_replies(seats: tuple[VllmModel, VllmModel]) -> None:
    sampling = [Sampling(temperature=1, seed=i, max_tokens=20, logprobs=True) for i in range(16)]
    answers = await asyncio.gather(*(seats[0].sample(user(f"problem {s.seed}"), s, 2) for s in sampling))
    assert [len(replies) for replies in answers] == [2] * 16
    assert len({reply.text for replies in answers for reply in replies}) == 32
    for replies in answers:
        assert replies[0].usage.prompt in (10, 11)
        assert replies[1].usage.prompt == 0
        for reply in replies:
            assert reply.token_ids is not None
            assert reply.logprobs is not None
            assert len(reply.token_ids) == len(reply.logprobs) == reply.usage.completion
            assert max(reply.logprobs) <= 0
    again = await seats[0].sample(user("problem 3"), sampling[3], 2)
    assert [reply.text for reply in again] == [reply.text for reply in answers[3]]


async def test_long_prompts_with_seeds_all_at_once(seats: tuple[VllmModel, VllmModel]) -> None:
    # Together they are longer than what vLLM computes in one step.
    sampling = [Sampling(temperature=1, seed=i, max_tokens=2) for i in range(8)]
    answers = await asyncio.gather(*(seats[0].sample(user(f"{s.seed}" + "x" * 900), s) for s in sampling))
    assert [reply.usage.prompt for (reply,) in answers] == [902] * 8


async def test_every_verdict_under_the_grammar_is_readable(seats: tuple[VllmModel, VllmModel]) -> None:
    sampling = [
        Sampling(temperature=1, seed=7 * i, max_tokens=800, regex=verdict_regex(5)) for i in range(16)
    ]
    answers = await asyncio.gather(*(seats[0].sample(user("verdict?"), s, 2) for s in sampling))
    kinds = {read_verdict(reply.text, depth=5).kind for replies in answers for reply in replies}
    assert len(kinds) >= 3
    assert {reply.finish for replies in answers for reply in replies} == {"stop"}


async def test_a_choice_and_a_stop_string(seats: tuple[VllmModel, VllmModel]) -> None:
    choices = ("continue", "reflect", "give up", "yes", "no")
    replies = await seats[0].sample(user("?"), Sampling(temperature=2, seed=1, choice=choices), 32)
    assert {reply.text for reply in replies} <= set(choices)
    assert len({reply.text for reply in replies}) > 1
    (stopped,) = await seats[0].sample(user("?"), Sampling(seed=1, choice=("yes, it is",), stop=(", ",)))
    assert (stopped.text, stopped.finish) == ("yes", "stop")


async def test_the_context_ends_a_prompt_and_caps_a_reply(seats: tuple[VllmModel, VllmModel]) -> None:
    with pytest.raises(ContextLengthError, match="the prompt has 1001 tokens, the context 1000"):
        await seats[0].sample(user("x" * 1000), Sampling())
    (reply,) = await seats[0].sample(user("x" * 996), Sampling(temperature=0, max_tokens=500))
    assert (reply.usage.prompt, reply.usage.completion) == (997, 3)


async def test_a_prefix_is_computed_once_and_special_tokens_in_it_stay_text(
    seats: tuple[VllmModel, VllmModel],
) -> None:
    text = "<|end|>" * 50
    (first,) = await seats[0].sample(user(text), Sampling(max_tokens=1))
    (second,) = await seats[0].sample(user(text + "more"), Sampling(max_tokens=1))
    assert (first.usage.prompt, first.usage.cached) == (351, 0)
    assert second.usage.cached >= 256


async def test_a_seat_with_an_adapter_shares_the_engine(
    seats: tuple[VllmModel, VllmModel], tmp_path: Path
) -> None:
    base, tuned = seats
    sampling = Sampling(temperature=0, max_tokens=8, logprobs=True)
    (plain,) = await base.sample(user("hi"), sampling)
    (adapted,) = await tuned.sample(user("hi"), sampling)
    assert plain.logprobs != adapted.logprobs
    together = await asyncio.gather(*(seat.sample(user("hi"), sampling) for seat in (base, tuned, base)))
    for (reply,), alone in zip(together, (plain, adapted, plain), strict=True):
        assert reply.logprobs == pytest.approx(alone.logprobs, abs=1e-3)
    assert tuned.name == f"{base.name}+critic"
    with pytest.raises(UsageError, match="runs already"):
        base.with_lora(write_adapter(tmp_path / "late"))


async def test_a_request_that_vllm_refuses_is_fatal(seats: tuple[VllmModel, VllmModel]) -> None:
    with pytest.raises(FatalModelError, match="refuses the request"):
        await seats[0].sample(user("x"), Sampling(regex="(unclosed"))
    with pytest.raises(FatalModelError, match=r"temperature must be in \[0, 2\]"):
        await seats[0].sample(user("x"), Sampling(temperature=3))


async def test_bad_arguments_are_one_clear_line(random_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"config\.json is missing"):
        VllmModel(tmp_path)
    with pytest.raises(UsageError, match=r"adapter_config\.json is missing"):
        VllmModel(random_model, lora=tmp_path)
    with pytest.raises(UsageError, match="trust_remote_code"):
        VllmModel(random_model, engine={"trust_remote_code": True})


async def test_when_the_engine_dies_so_does_the_run(
    seats: tuple[VllmModel, VllmModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Last, for it takes the engine of this file with it.
    await seats[0].sample(user("x"), Sampling(max_tokens=1))
    # A log record of the death would keep the engine's remains past the fixture.
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    waiting = asyncio.create_task(seats[0].sample(user("x"), Sampling(temperature=0, max_tokens=900)))
    await asyncio.sleep(0)
    for child in multiprocessing.active_children():
        if child.name.startswith("EngineCore"):
            child.kill()
    with pytest.raises(FatalModelError, match="engine died"):
        await waiting
    with pytest.raises(FatalModelError, match="engine died"):
        await seats[0].sample(user("x"), Sampling())
