"""This project's own convention, on a tiny random model: where it reads, how it batches, what it refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from longthought.agents.errors import RewardError, UsageError
from longthought.agents.problems import Problem
from longthought.agents.rewards.prm.conventions import LONGTHOUGHT
from longthought.agents.rewards.prm.layout import StepLayout
from longthought.agents.rewards.prm.process_reward import ProcessRewardModel
from longthought.agents.thoughts import Path as ThoughtPath
from longthought.agents.thoughts import straight_path

transformers: Any = pytest.importorskip("transformers")
CHARACTERS = "\n 0123456789+-*/=[]()?abcdefghijklmnopqrstuvwxyz<>_"
QUESTION = "reach 32 with 29 13 2?"
STEPS = ["29-13=16 [2 16]", "16*2=32 [32]"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch: Any = pytest.importorskip("torch")
    tokenizers: Any = pytest.importorskip("tokenizers")
    path = tmp_path_factory.mktemp("step_scorer")
    vocabulary = {token: i for i, token in enumerate(["<pad>", "<s>", "<unk>", *CHARACTERS])}
    raw = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<unk>"))
    raw.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<s>", pad_token="<pad>", unk_token="<unk>"
    )
    tokenizer.save_pretrained(path)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=128,
        num_labels=2,
        initializer_range=0.5,
    )
    transformers.LlamaForTokenClassification(config).eval().save_pretrained(path)
    return path


def _path(*steps: str) -> ThoughtPath:
    return straight_path(Problem(id="p", question=QUESTION), list(steps))


def test_the_ends_of_steps_are_their_line_feeds(weights: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(weights)
    ids, ends = StepLayout(LONGTHOUGHT, tokenizer).encode(QUESTION, STEPS)
    assert tokenizer.decode(ids[1:]).replace(" ", "") == f"{QUESTION}\n{STEPS[0]}\n{STEPS[1]}\n".replace(
        " ", ""
    )
    line_feed = tokenizer.convert_tokens_to_ids("\n")
    assert [i for i, token in enumerate(ids) if token == line_feed][1:] == ends
    assert ids[0] == tokenizer.bos_token_id
    # A longer path starts with the tokens of the shorter one.
    assert StepLayout(LONGTHOUGHT, tokenizer).encode(QUESTION, STEPS[:1])[0] == ids[: ends[0] + 1]


def test_special_tokens_in_text_stay_text(weights: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(weights)
    ids, ends = StepLayout(LONGTHOUGHT, tokenizer).encode(QUESTION, ["<s>\n<pad>"])
    assert tokenizer.bos_token_id not in ids[1:]
    assert tokenizer.pad_token_id not in ids
    assert len(ends) == 1


async def test_together_reads_as_alone(weights: Path) -> None:
    scorer = ProcessRewardModel(weights)
    paths = [_path(*STEPS[:1]), _path(*STEPS), _path("1+1=2 [2]", *STEPS, "2 [3]")] * 30
    alone = [await scorer.read_all(path) for path in paths[:3]]
    together = await asyncio.gather(*(scorer.read_all(path) for path in paths))
    for one, many in zip(alone * 30, together, strict=True):
        assert many == pytest.approx(one, abs=2e-4)
    assert [len(values) for values in alone] == [1, 2, 4]
    # The model is causal: what comes later does not change what was read before.
    assert alone[1][0] == pytest.approx(alone[0][0], abs=2e-4)
    reading = await scorer.read(paths[1])
    assert reading.reward == "prm"
    assert reading.value == pytest.approx(alone[1][-1], abs=2e-4)
    await scorer.close()


async def test_label_one_means_right(weights: Path) -> None:
    torch: Any = pytest.importorskip("torch")
    tokenizer = transformers.AutoTokenizer.from_pretrained(weights)
    model = transformers.AutoModelForTokenClassification.from_pretrained(weights)
    ids, ends = StepLayout(LONGTHOUGHT, tokenizer).encode(QUESTION, STEPS)
    logits = model(input_ids=torch.tensor([ids])).logits[0]
    expected = torch.softmax(logits, -1)[ends, 1].tolist()
    assert await ProcessRewardModel(weights).read_all(_path(*STEPS)) == pytest.approx(expected, abs=1e-3)


async def test_a_path_that_is_too_long_fails_alone(weights: Path) -> None:
    scorer = ProcessRewardModel(weights)
    results = await asyncio.gather(
        scorer.read(_path(*STEPS)), scorer.read(_path("1" * 200)), return_exceptions=True
    )
    assert not isinstance(results[0], BaseException)
    assert isinstance(results[1], RewardError)
    assert "the reward model reads 128" in str(results[1])


async def test_without_a_step_there_is_no_reading(weights: Path) -> None:
    assert (await ProcessRewardModel(weights).read(_path())).unscored


def test_a_directory_without_a_model_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no model at .*: config\.json is missing"):
        ProcessRewardModel(tmp_path)
