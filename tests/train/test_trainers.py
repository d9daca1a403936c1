"""Real optimiser steps on tiny models, and what they leave behind."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

from longthought.agents.errors import RunError, UsageError
from longthought.agents.models.chat_tokens import ChatEncoder
from longthought.agents.models.contract import Message, Sampling
from longthought.agents.models.transformers_engine import TransformersModel
from longthought.train.checkpoints import last_whole
from longthought.train.corpus import Row, read_rows
from longthought.train.dpo import dpo_trainer, run_dpo
from longthought.train.kto import run_kto, tokenise_judged
from longthought.train.lora import adapters
from longthought.train.preferences import tokenise_pairs
from longthought.train.settings import (
    CriticSettings,
    DpoSettings,
    KtoSettings,
    LoraSettings,
    Scheduler,
    SftSettings,
)
from longthought.train.sft import run_sft
from longthought.train.tokenizer import train_tokenizer
from tests.train.tiny_corpora import (
    CONFIG,
    judged_rows,
    preference_rows,
    sft_rows,
    shared_settings,
    write_corpus,
)
from tests.train.tiny_trainings import tiny_settings, train

TOKENIZER: Any = train_tokenizer(["no, 9"] * 20, 300, 512)


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


@pytest.mark.parametrize("scheduler", get_args(Scheduler))
def test_every_scheduler_runs(scheduler: str, trained: Path, tmp_path: Path) -> None:
    settings = tiny_settings("sft", trained, tmp_path) | {"max_steps": 4, "warmup": 0, "min_lr_rate": 0.5}
    rates = [line["learning_rate"] for line in record(train("sft", settings, scheduler=scheduler))["log"]]
    flat = scheduler.startswith("constant")
    assert [rate < 1e-3 for rate in rates] == [False, *[not flat] * 3]
    assert (rates[-1] > 0.5e-3) == (flat or scheduler == "cosine_with_min_lr")


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


@pytest.mark.parametrize("kind", ["sft", "prm"])
def test_a_training_whose_loss_is_no_number_ends_without_a_model(
    kind: str, trained: Path, tmp_path: Path
) -> None:
    settings = tiny_settings(kind, trained, tmp_path) | {
        "scheduler": "constant",
        "warmup": 0,
        "save_steps": 1,
    }
    with pytest.raises(RunError, match=r"step 2: (loss|grad_norm) is (nan|inf), .* lower learning_rate"):
        train(kind, settings, learning_rate=1e30, max_grad_norm=1e30, log_steps=50)
    assert not (tmp_path / "model").exists()
    assert last_whole(tmp_path / "model-checkpoints") == tmp_path / "model-checkpoints" / "checkpoint-1"


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


@pytest.mark.parametrize("options", [{}, {"lora": {"r": 2}}, {"save_steps": 1}])
def test_a_model_stops_at_what_its_template_ends_answers_with(
    options: dict[str, Any], trained: Path, tmp_path: Path
) -> None:
    start, tokenizer = load(trained)
    old = tokenizer.eos_token_id
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|turn|>"]})
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}<|turn|>{% endfor %}"
    start.resize_token_embeddings(len(tokenizer))
    for part in (start, tokenizer):
        part.save_pretrained(tmp_path / "start")
    settings = tiny_settings("sft", tmp_path / "start", tmp_path) | options
    made = [train("sft", settings), *(tmp_path / "model-checkpoints").glob("checkpoint-*")]
    for model in made:
        ends = orjson.loads((model / "generation_config.json").read_bytes())["eos_token_id"]
        assert ends == [old, tokenizer.convert_tokens_to_ids("<|turn|>")]


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


def test_the_pairs_of_a_step_have_similar_lengths(trained: Path, tmp_path: Path) -> None:
    rows = preference_rows(32)
    for n, row in enumerate(rows):
        row["rejected" if n % 2 else "chosen"][0]["content"] += ", no" * n
    corpus = write_corpus(tmp_path / "corpus", "preference", rows)
    settings = DpoSettings.model_validate(
        shared_settings(corpus, "preference", tmp_path / "dpo") | {"batch": 4}
    )
    model, tokenizer = load(trained)
    pairs = tokenise_pairs(read_rows(settings.corpora), tokenizer, max_length=512).dataset
    lengths = sorted(pairs["length"][:])
    batches = dpo_trainer(settings, model, tokenizer, pairs).get_train_dataloader()
    assert sorted(batch["input_ids"].shape[1] for batch in batches) == lengths[3::4]


@pytest.mark.parametrize("loss", ["sigmoid", "sigmoid_norm", "ipo", "hinge"])
def test_dpo_without_a_reference_prefers_what_was_chosen_from_zero(
    trained: Path, tmp_path: Path, loss: str
) -> None:
    corpus = write_corpus(tmp_path / "corpus", "preference", preference_rows(8))
    settings = shared_settings(corpus, "preference", tmp_path / "dpo") | {"reference": "none", "loss": loss}
    settings |= {"model": str(trained), "epochs": 4, "learning_rate": 1e-3, "bf16": False, "warmup": 0}
    # All pairs in every step, and a margin that starts below 1, where a hinge has a slope.
    settings |= {"batch": 8, "beta": 0.02}
    log = record(run_dpo(DpoSettings.model_validate(settings)))["log"]
    # Nothing was subtracted: at the start the margin is that of the policy's own log-probabilities.
    assert abs(log[0]["rewards/margins"]) > 0.1
    assert log[-1]["rewards/margins"] > log[0]["rewards/margins"]


def test_a_reference_asked_beforehand_is_the_one_in_memory(trained: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "preference", preference_rows(8))
    logs = dict[str, Any]()
    for reference in ("start", "precomputed"):
        settings = shared_settings(corpus, "preference", tmp_path / reference) | {"reference": reference}
        settings |= {"model": str(trained), "epochs": 2, "learning_rate": 1e-3, "bf16": False}
        logs[reference] = record(run_dpo(DpoSettings.model_validate(settings)))["log"]
    for one, other in zip(*logs.values(), strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-4)
        assert one["rewards/margins"] == pytest.approx(other["rewards/margins"], abs=1e-3)


def test_kto_raises_good_answers_above_bad_ones(trained: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "kto", judged_rows(9))
    settings = shared_settings(corpus, "kto", tmp_path / "kto")
    settings |= {"model": str(trained), "epochs": 4, "learning_rate": 1e-3, "bf16": False}
    made = record(run_kto(KtoSettings.model_validate(settings)))
    assert (made["rows"], made["rows_desirable"]) == (9, 4)
    good, bad = (
        [entry[f"rewards/{side}"] for entry in made["log"] if f"rewards/{side}" in entry]
        for side in ("chosen", "rejected")
    )
    assert good[0] - bad[0] == pytest.approx(0.0, abs=1e-3)
    assert good[-1] - bad[-1] > 0.1
    assert made["log"][-1]["loss"] < made["log"][0]["loss"]


@given(st.integers(2, 40), st.integers(2, 9), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_the_kl_term_sees_each_answer_of_a_batch_once_and_never_beside_its_own_question(
    rows: int, batch: int, seed: int
) -> None:
    chosen = {
        "model": "m",
        "corpora": [{"path": "c", "kind": "kto"}],
        "out": "o",
        "batch": batch,
        "seed": seed,
    }
    made = tokenise_judged(
        [Row(row, "row") for row in judged_rows(rows)], TOKENIZER, KtoSettings.model_validate(chosen)
    ).dataset[:]
    own, others = made["completion_ids"], made["KL_completion_ids"]
    assert all(one != other for one, other in zip(own, others, strict=True))
    for start in range(0, rows, batch):
        stretch = slice(start, start + batch)
        if len(own[stretch]) > 1:
            assert sorted(own[stretch]) == sorted(others[stretch])


@pytest.mark.parametrize(("max_length", "context"), [(64, None), (512, 64)])
def test_the_kl_term_s_rows_are_no_longer_than_others(max_length: int, context: int | None) -> None:
    def judged(asked: str, answer: str, label: bool) -> Row:
        prompt = [{"role": "user", "content": asked}]
        completion = [{"role": "assistant", "content": answer}]
        return Row({"prompt": prompt, "completion": completion, "label": label}, "row")

    chosen = {"model": "m", "corpora": [{"path": "c", "kind": "kto"}], "out": "o", "batch": 2}
    rows = [judged("x" * 50, "yes", True), judged("x", "n" * 50, False)]
    settings = KtoSettings.model_validate(chosen | {"max_length": max_length})
    made = tokenise_judged(rows, TOKENIZER, settings, context).dataset
    assert sorted(len(row["prompt_ids"]) + len(row["KL_completion_ids"]) for row in made) == [6, 64]


def test_kto_keeps_thoughts_and_what_spells_a_special_token() -> None:
    texts = ("<think>2+2</think>4<|end|>", "5")
    rows = [
        Row({**row, "completion": [{"role": "assistant", "content": text}]}, "row")
        for row, text in zip(judged_rows(2), texts, strict=True)
    ]
    chosen = KtoSettings.model_validate(
        {"model": "m", "corpora": [{"path": "c", "kind": "kto"}], "out": "o", "batch": 2}
    )
    made = {tuple(row["completion_ids"]): row for row in tokenise_judged(rows, TOKENIZER, chosen).dataset}
    assert {TOKENIZER.decode(ids) for ids in made} == {f"{text}<|end|>" for text in texts}
    assert {ids.count(TOKENIZER.eos_token_id) for ids in made} == {1}
    assert {TOKENIZER.decode(row["prompt_ids"]) for row in made.values()} == {"0+9?<|end|>"}


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
    made = record(critic)
    assert (made["rows"], made["kind"]) == (4, "critic")


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


def test_weights_that_are_another_model_s(trained: Path, tmp_path: Path) -> None:
    model = shutil.copytree(trained, tmp_path / "other")
    config = orjson.loads((model / "config.json").read_bytes())
    (model / "config.json").write_bytes(orjson.dumps(config | {"intermediate_size": 16}))
    with pytest.raises(UsageError, match=r"weights have other shapes than its config\.json says"):
        train("sft", tiny_settings("sft", model, tmp_path))


@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings")
@pytest.mark.parametrize("kind", ["sft", "dpo", "kto"])
@pytest.mark.parametrize(
    ("target", "said"),
    [("nope", "Target modules .* not found"), ("lm_head", "not supported"), ("norm", "not supported")],
)
def test_adapters_that_fit_nowhere(kind: str, target: str, said: str, trained: Path, tmp_path: Path) -> None:
    settings = tiny_settings(kind, trained, tmp_path)
    with pytest.raises(UsageError, match=rf"^lora\.target_modules: .*{said}"):
        train(kind, settings, lora={"target_modules": [target]})


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


def test_a_model_is_not_trained_in_its_own_place(trained: Path, tmp_path: Path) -> None:
    model = shutil.copytree(trained, tmp_path / "model")
    (tmp_path / "link").symlink_to(model)
    settings = tiny_settings("sft", model, tmp_path) | {"overwrite": True}
    for out in (model, tmp_path / "link"):
        with pytest.raises(UsageError, match=r"is the model that training starts from; name another"):
            train("sft", settings, out=str(out))


def test_a_tokenizer_learns_the_words_of_what_comes_later(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "dialogue", sft_rows(2))
    words = {"messages": [{"role": "assistant", "content": "a detour"}] * 2, "trained": [True, True]}
    later = write_corpus(tmp_path / "later", "journey", [words])
    places = [{"path": str(at), "kind": kind} for at, kind in ((corpus, "dialogue"), (later, "journey"))]
    made = shared_settings(corpus, "dialogue", tmp_path / "made") | {"max_steps": 1}
    made["model"] = {"config": CONFIG, "tokenizer": {"vocab_size": 400, "corpora": places}}
    _, tokenizer = load(run_sft(SftSettings.model_validate(made)))
    assert len(tokenizer("a detour", add_special_tokens=False)["input_ids"]) == 1
    missing = {"path": str(tmp_path / "nowhere"), "kind": "journey"}
    made["model"] = {"config": CONFIG, "tokenizer": {"corpora": [missing]}}
    with pytest.raises(UsageError, match="nowhere"):
        run_sft(SftSettings.model_validate(made | {"out": str(tmp_path / "other")}))


def test_what_is_not_about_adapters_is_not_said_to_be() -> None:
    with pytest.raises(ValueError, match=r"^something else$"), adapters(LoraSettings()):
        raise ValueError("something else")
