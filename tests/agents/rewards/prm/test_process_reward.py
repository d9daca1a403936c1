"""The reward over weights in this process: trees read as alone, each token once, scores, identity, bad input."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from longthought.agents.errors import RewardError, UsageError
from longthought.agents.problems import Problem
from longthought.agents.rewards.prm.conventions import LONGTHOUGHT
from longthought.agents.rewards.prm.in_process import InProcessPrm
from longthought.agents.rewards.prm.layout import StepLayout
from longthought.agents.rewards.prm.process_reward import ProcessRewardModel, scored
from longthought.agents.thoughts import straight_path
from tests.agents.rewards.prm import tiny_prms

torch: Any = pytest.importorskip("torch")
transformers: Any = pytest.importorskip("transformers")

#: A question and steps.
Solution = tuple[str, tuple[str, ...]]


def trees(dice: random.Random) -> list[Solution]:
    """Every node of three random trees of eleven thoughts, shuffled, one path twice."""
    paths: list[Solution] = []
    for number in range(3):
        nodes: list[tuple[str, ...]] = [()]
        for _ in range(11):
            nodes.append((*dice.choice(nodes), f"{dice.randint(1, 9)}+{dice.randint(1, 300)}"))
        paths += [(f"question {number}?", steps) for steps in nodes[1:]]
    dice.shuffle(paths)
    return [*paths, paths[0]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    path = tmp_path_factory.mktemp("prm")
    return path, tiny_prms.write_longthought(path)


def by_hand(weights: tuple[Path, Any], solution: Solution) -> list[float]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(weights[0])
    ids, ends = StepLayout(LONGTHOUGHT, tokenizer).encode(*solution)
    with torch.inference_mode():
        right = torch.softmax(weights[1](torch.tensor([ids])).logits[0], -1)[ends, 1]
    return [float(value) for value in right]


@pytest.mark.parametrize("max_batch", [4096, 150, 1])
async def test_trees_read_as_each_path_alone(weights: tuple[Path, Any], max_batch: int) -> None:
    prm = InProcessPrm(str(weights[0]), LONGTHOUGHT, device="cpu", dtype="auto", max_batch=max_batch)
    paths = trees(random.Random(max_batch))
    read = await asyncio.gather(*(prm.probabilities(*path) for path in paths))
    for path, values in zip(paths, read, strict=True):
        assert values == pytest.approx(by_hand(weights, path), abs=1e-4)
    await prm.close()


async def test_what_waiting_paths_share_is_computed_once(weights: tuple[Path, Any]) -> None:
    layout = StepLayout(LONGTHOUGHT, transformers.AutoTokenizer.from_pretrained(weights[0]))
    prm = InProcessPrm(str(weights[0]), LONGTHOUGHT, device="cpu", dtype="auto", max_batch=4096)
    paths = trees(random.Random(0))
    await asyncio.gather(*(prm.probabilities(*path) for path in paths))
    prefixes = {
        (path[0], tuple(ids[: at + 1]))
        for path in paths
        for ids in [layout.encode(*path)[0]]
        for at in range(len(ids))
    }
    assert prm.computed == len(prefixes)
    await prm.close()


async def test_one_bad_path_fails_alone(weights: tuple[Path, Any]) -> None:
    prm = ProcessRewardModel(weights[0], device="cpu")
    good = straight_path(Problem(id="p", question="q?"), ["1+1=2"])
    long = straight_path(Problem(id="p", question="q?"), ["1" * 600])
    results = await asyncio.gather(prm.read(good), prm.read(long), return_exceptions=True)
    assert not isinstance(results[0], BaseException)
    assert isinstance(results[1], RewardError)
    assert str(results[1]) == "the path has 604 tokens, the reward model reads 512"
    await prm.close()


async def test_weights_that_are_not_whole_are_an_error_and_no_random_numbers(tmp_path: Path) -> None:
    from safetensors import torch as safetensors

    tiny_prms.write_longthought(tmp_path)
    files: Any = safetensors
    kept = files.load_file(tmp_path / "model.safetensors")
    del kept["model.layers.0.mlp.up_proj.weight"]
    files.save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    prm = ProcessRewardModel(tmp_path, device="cpu")
    with pytest.raises(RewardError, match=r"lacks the weights layers\.0\.mlp\.up_proj\.weight"):
        await prm.read(straight_path(Problem(id="p", question="q?"), ["1"]))


async def test_a_path_scores_what_is_asked_of_its_steps(weights: tuple[Path, Any]) -> None:
    assert scored("product", [0.5, 0.8]) == pytest.approx(0.4)
    assert scored("min", [0.5, 0.8]) == 0.5
    assert scored("mean", [0.5, 0.8]) == pytest.approx(0.65)
    assert scored("last", [0.5, 0.8]) == 0.8
    path = straight_path(Problem(id="p", question="q?"), ["1+1=2", "2+1=3"])
    prm = ProcessRewardModel(weights[0], score="product", device="cpu")
    steps = [reading.value for reading in await prm.read_steps(path)]
    assert None not in steps
    whole = (await prm.read(path)).value
    assert whole == pytest.approx(steps[0] * steps[1])  # type: ignore[operator]
    await prm.close()


def test_who_it_is_are_weights_convention_and_score(weights: tuple[Path, Any], tmp_path: Path) -> None:
    tiny_prms.write_longthought(tmp_path)
    one = ProcessRewardModel(weights[0], device="cpu").identity()
    assert one == ProcessRewardModel(tmp_path, device="auto", max_batch=64).identity()
    assert one != ProcessRewardModel(tmp_path, score="min").identity()
    spelled = {"layout": "lines", "head": ["score"], "right": 0}
    assert one != ProcessRewardModel(tmp_path, spelled).identity()
    tiny_prms.write_longthought(tmp_path, context=256)
    assert one != ProcessRewardModel(tmp_path).identity()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"score": "max"}, "score: 'max' is none of product, min, last, mean"),
        ({"max_batch": 0}, "max_batch: at least one token"),
        ({"api_key": "k"}, "tokenizer and api_key_env are for a server"),
        ({"base_url": "http://127.0.0.1:1"}, "model: give the name that the server knows"),
        ({"base_url": "nowhere", "model": "m"}, "base_url 'nowhere': should look like"),
        ({"model": "/not/there"}, "no model at /not/there"),
    ],
)
def test_bad_input_gets_one_line(options: dict[str, Any], line: str) -> None:
    with pytest.raises(UsageError, match=line):
        ProcessRewardModel(**options)
