"""Real optimiser steps on tiny models, and what they leave behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from longthought.agents.errors import UsageError
from longthought.agents.models.chat_tokens import ChatEncoder
from longthought.agents.models.contract import Message, Sampling
from longthought.agents.models.transformers_engine import TransformersModel
from longthought.train.corpus import Row
from longthought.train.dpo import run_dpo
from longthought.train.preferences import tokenise_pairs
from longthought.train.settings import CriticSettings, DpoSettings, SftSettings
from longthought.train.sft import run_sft
from tests.train.tiny_corpora import preference_rows, sft_rows, shared_settings, write_corpus


def record(model: Path) -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads((model / "training.json").read_bytes())
    return made


def load(path: Path) -> tuple[Any, Any]:
    loader: Any = AutoModelForCausalLM
    tokenizers: Any = AutoTokenizer
    return loader.from_pretrained(path), tokenizers.from_pretrained(path)


def test_eight_rows_are_learned_by_heart(trained: Path) -> None:
    losses = [entry["loss"] for entry in record(trained)["log"]]
    assert len(losses) == 120
    assert losses[-1] < 0.1 * losses[0]


def test_the_record_says_what_made_the_model(trained: Path) -> None:
    made = record(trained)
    assert made["settings"]["learning_rate"] == 1e-2
    assert made["rows"] == 8
    assert made["tokens_seen"] == 60 * made["tokens_of_an_epoch"]
    assert 0 < made["trained_tokens_of_an_epoch"] < made["tokens_of_an_epoch"]
    assert next(iter(made["corpora"])).endswith("manifest.json")
    assert {"torch", "transformers", "trl"} <= set(made["versions"])
    card = (trained / "README.md").read_text()
    assert "library_name: transformers" in card
    assert next(iter(made["corpora"].values())) in card
    assert [p.name for p in trained.parent.iterdir() if p.name.endswith(("partial", "checkpoints"))] == []


def test_the_loss_that_was_logged_is_that_of_the_trained_tokens(trained: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "dialogue", sft_rows(4))
    settings = shared_settings(corpus, "dialogue", tmp_path / "next")
    settings |= {"model": str(trained), "learning_rate": 1e-9, "max_steps": 1, "bf16": False}
    made = record(run_sft(SftSettings.model_validate(settings)))
    model, tokenizer = load(trained)
    encoder = ChatEncoder(tokenizer)
    total, count = 0.0, 0
    for row in sft_rows(4):
        ids, labels = list[int](), list[int]()
        for message, flag in zip(row["messages"], row["trained"], strict=True):
            text = encoder.encode_text(message["content"])
            ids += [*text, tokenizer.eos_token_id]
            labels += [*text, tokenizer.eos_token_id] if flag else [-100] * (len(text) + 1)
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, :-1]
        target = torch.tensor(labels[1:])
        total += float(torch.nn.functional.cross_entropy(logits, target, reduction="sum"))
        count += int((target != -100).sum())
    assert made["final_loss"] == pytest.approx(total / count, rel=1e-3)


def test_trls_own_loss_and_bfloat16_agree_with_the_lean_one(trained: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "dialogue", sft_rows(8))
    losses = dict[str, float]()
    variants: dict[str, dict[str, Any]] = {
        "lean": {"token_metrics": False, "bf16": False},
        "metrics": {"token_metrics": True, "bf16": False},
        "bf16": {"token_metrics": False, "bf16": True},
        "accumulated": {"token_metrics": False, "bf16": False, "batch": 2, "accumulation": 4},
    }
    for name, options in variants.items():
        settings = shared_settings(corpus, "dialogue", tmp_path / name)
        settings |= {"model": str(trained), "max_steps": 1, "batch": 8, "learning_rate": 1e-4, **options}
        losses[name] = record(run_sft(SftSettings.model_validate(settings)))["final_loss"]
    assert losses["metrics"] == pytest.approx(losses["lean"], rel=1e-3)
    assert losses["accumulated"] == pytest.approx(losses["lean"], rel=1e-3)
    assert losses["bf16"] == pytest.approx(losses["lean"], rel=0.05)
    assert losses["bf16"] != losses["lean"]


async def test_the_engine_says_what_was_learned(trained: Path) -> None:
    engine = TransformersModel(trained)
    try:
        question = sft_rows(1)[0]["messages"]
        messages = [Message(m["role"], m["content"]) for m in question[:3]]
        (reply,) = await engine.sample(messages, Sampling(temperature=0, max_tokens=40))
    finally:
        await engine.close()
    assert reply.text == question[3]["content"]
    assert reply.finish == "stop"


def test_adapters_are_merged(trained: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "dialogue", sft_rows(4))
    settings = shared_settings(corpus, "dialogue", tmp_path / "lora")
    settings |= {"model": str(trained), "max_steps": 1, "lora": {"r": 2}}
    model, _ = load(run_sft(SftSettings.model_validate(settings)))
    before, _ = load(trained)
    assert {n for n, _ in model.named_parameters()} == {n for n, _ in before.named_parameters()}


def test_dpo_prefers_what_was_chosen(trained: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "preference", preference_rows(8))
    settings = shared_settings(corpus, "preference", tmp_path / "dpo")
    settings |= {"model": str(trained), "epochs": 4, "learning_rate": 1e-3, "sft_weight": 0.5}
    log = record(run_dpo(DpoSettings.model_validate(settings)))["log"]
    assert log[0]["rewards/margins"] == pytest.approx(0.0, abs=1e-3)
    assert log[-1]["rewards/margins"] > 0.05
    assert log[-1]["loss"] < log[0]["loss"]


def test_pairs_keep_thoughts_and_what_spells_a_special_token(trained: Path) -> None:
    _, tokenizer = load(trained)
    row = {
        "prompt": [{"role": "user", "content": "2+2?"}],
        "chosen": [{"role": "assistant", "content": "<think>2+2</think>4<|end|>"}],
        "rejected": [{"role": "assistant", "content": "<think>no</think>5"}],
    }
    (pair,) = tokenise_pairs([Row(row, "row 1")], tokenizer, max_length=100).dataset
    assert tokenizer.decode(pair["prompt_ids"]) == "2+2?<|end|>"
    assert tokenizer.decode(pair["chosen_ids"]) == "<think>2+2</think>4<|end|><|end|>"
    assert pair["chosen_ids"].count(tokenizer.eos_token_id) == 1
    with pytest.raises(UsageError, match=r"row 1: \d+ tokens are more than max_length 10"):
        tokenise_pairs([Row(row, "row 1")], tokenizer, max_length=10)
    with pytest.raises(UsageError, match="row 1: `rejected` must be"):
        tokenise_pairs([Row({**row, "rejected": "5"}, "row 1")], tokenizer, max_length=100)


def test_a_critic_trains_on_critic_rows(trained: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "critic", sft_rows(4))
    settings = shared_settings(corpus, "critic", tmp_path / "critic")
    settings |= {"model": str(trained), "max_steps": 1, "corpora": [{"path": str(corpus)}]}
    critic = run_sft(CriticSettings.model_validate(settings))
    assert record(critic)["rows"] == 4


def test_what_cannot_be_trained_is_refused_before_any_work(trained: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "dialogue", sft_rows(2))
    base = shared_settings(corpus, "dialogue", tmp_path / "model")
    with pytest.raises(UsageError, match=r"is there already; .* overwrite: true"):
        run_sft(SftSettings.model_validate({**base, "out": str(trained)}))
    with pytest.raises(UsageError, match="no model at"):
        run_sft(SftSettings.model_validate({**base, "model": str(tmp_path / "nowhere")}))
    corpora = [{"path": str(corpus), "kind": "novel"}]
    with pytest.raises(UsageError, match="has no novel/train"):
        run_sft(SftSettings.model_validate({**base, "model": "no/model", "corpora": corpora}))
    config = {**base["model"], "config": {"hiden_size": 32}}
    with pytest.raises(UsageError, match=r"model\.config\.hiden_size: LlamaConfig has no such field"):
        run_sft(SftSettings.model_validate({**base, "model": config}))
    assert not (tmp_path / "model").exists()


def test_what_no_training_left_there_is_never_overwritten(trained: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "dialogue", sft_rows(2))
    base = shared_settings(corpus, "dialogue", tmp_path / "mine") | {"overwrite": True, "max_steps": 1}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("thesis")
    with pytest.raises(UsageError, match=r"holds thesis\.tex, which no training left there"):
        run_sft(SftSettings.model_validate(base))
    (tmp_path / "mine" / "thesis.tex").unlink()
    model = run_sft(SftSettings.model_validate(base))
    assert run_sft(SftSettings.model_validate(base)) == model
    (model / "notes").mkdir()
    with pytest.raises(UsageError, match="holds notes, which no training left there"):
        run_sft(SftSettings.model_validate(base))
    assert (model / "notes").is_dir()
