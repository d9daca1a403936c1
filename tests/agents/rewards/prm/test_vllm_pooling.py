"""A real vLLM serves tiny process reward models; in process and over HTTP they say the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.vllm_server import SERVED, vllm_server
from longthought.agents.problems import Problem
from longthought.agents.rewards.prm.process_reward import ProcessRewardModel
from longthought.agents.thoughts import straight_path
from tests.agents.rewards.prm import tiny_prms

pytest.importorskip("vllm")
pytestmark = [
    pytest.mark.vllm,
    pytest.mark.timeout(900),
    # vLLM 0.32 with torch 2.13, at import.
    pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning"),
]
PATHS = [
    straight_path(Problem(id="p", question="Reach 32 with 29, 13 and 2."), steps)
    for steps in (["29-13=16", "16*2=32"], ["29-13=17", "no <extra_0> step", "32"], ["29"])
]


async def both(path: Path, convention: str, tmp_path: Path, *flags: str) -> None:
    here = ProcessRewardModel(path, convention, device="cpu")
    expected = [await here.read_all(each) for each in PATHS]
    await here.close()
    with vllm_server(path, tmp_path / "server.log", "--runner", "pooling", *flags) as url:
        served = ProcessRewardModel(SERVED, convention, base_url=url, tokenizer=path)
        try:
            told = [await served.read_all(each) for each in PATHS]
        finally:
            await served.close()
    for values, others in zip(told, expected, strict=True):
        assert values == pytest.approx(others, abs=1e-3)


async def test_qwen_at_the_step_pooler(tmp_path: Path) -> None:
    path = tmp_path / "qwen"
    tiny_prms.write_qwen(path)
    tokenizer = tiny_prms.write_tokenizer(path, bos=False)
    pooler = {"tok_pooling_type": "STEP", "step_tag_id": tokenizer.convert_tokens_to_ids("<extra_0>")}
    await both(path, "qwen", tmp_path, "--pooler-config", json.dumps(pooler))


async def test_math_shepherd_as_a_classifier_of_two_words(tmp_path: Path) -> None:
    path = tmp_path / "shepherd"
    tiny_prms.write_math_shepherd(path)
    words = {"classifier_from_token": ["-", "+"], "method": "from_2_way_softmax"}
    flags = ("--convert", "classify", "--hf-overrides", json.dumps(words))
    pooler = ("--pooler-config", json.dumps({"task": "token_classify"}))
    await both(path, "math-shepherd", tmp_path, *flags, *pooler)
