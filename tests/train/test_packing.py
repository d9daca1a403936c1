"""Rows laid end to end learn exactly what padded rows learn, and none sees another."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from longthought.agents.errors import UsageError
from longthought.synth.tokens.labels import IGNORED
from longthought.train.corpus import Row
from longthought.train.packing import layout
from longthought.train.row_attention import ROWS
from longthought.train.settings import SftSettings
from longthought.train.sft import sft_trainer
from longthought.train.starting_point import load_start
from longthought.train.tokenise import tokenise_rows
from tests.train.tiny_corpora import sft_rows, shared_settings


def settings_of(path: Path, **options: Any) -> SftSettings:
    base = shared_settings(path, "dialogue", path / "out")
    return SftSettings.model_validate({**base, "model": "embedded", "bf16": False, **options})


def rows_of_many_lengths() -> list[Row]:
    rows = sft_rows(4)
    rows[1]["messages"][3]["content"] += " because it is larger than both of them together" * 4
    rows[2]["messages"][0]["content"] = "?"
    return [Row(row, f"row {n}") for n, row in enumerate(rows)]


def step(path: Path, **options: Any) -> tuple[Any, Any, dict[str, Any]]:
    """The first batch of a training, its loss, and every gradient."""
    chosen = settings_of(path, **options)
    model, tokenizer = load_start(chosen)
    corpus = tokenise_rows(rows_of_many_lengths(), tokenizer, max_length=512)
    trainer: Any = sft_trainer(chosen, model, tokenizer, corpus.dataset)
    batch: Any = next(iter(trainer.get_train_dataloader()))
    shape = batch["input_ids"].shape
    loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    return shape, loss.item(), {name: value.grad for name, value in trainer.model.named_parameters()}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"token_metrics": True},
        {"attention": "sdpa"},
        {"attention": "eager"},
        {"gradient_checkpointing": True},
    ],
)
def test_packed_rows_have_the_loss_and_gradients_of_padded_ones(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    packed_shape, packed, gradients = step(tmp_path, packing=True, **options)
    padded_shape, padded, expected = step(tmp_path, packing=False)
    assert packed_shape[0] == 1
    assert padded_shape[0] == 4
    assert packed_shape.numel() < padded_shape.numel()
    assert packed == pytest.approx(padded, abs=1e-5)
    for name, gradient in gradients.items():
        assert torch.allclose(gradient, expected[name], atol=1e-5), name
    assert any(gradient.abs().max() > 1e-3 for gradient in gradients.values())


def test_adapters_get_the_same_gradients_packed_and_padded(tmp_path: Path) -> None:
    lora = {"lora": {"r": 2}}
    _, packed, gradients = step(tmp_path, packing=True, **lora)
    _, padded, expected = step(tmp_path, packing=False, **lora)
    assert packed == pytest.approx(padded, abs=1e-5)
    trained = [name for name, gradient in gradients.items() if gradient is not None]
    assert trained
    assert all(
        "lora" in name and torch.allclose(gradients[name], expected[name], atol=1e-5) for name in trained
    )


def grouped_heads() -> Any:
    config: Any = LlamaConfig
    llama: Any = LlamaForCausalLM
    torch_: Any = torch
    torch_.manual_seed(0)
    model: Any = llama(
        config(
            vocab_size=50,
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
        )
    )
    return model.eval()


def packed_logits(model: Any, rows: list[list[int]], dtype: torch.dtype) -> Any:
    """Each row's logits out of one pass over all."""
    model.set_attn_implementation(ROWS)
    lengths: Any = torch.tensor([len(row) for row in rows])
    bounds = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)]).int()
    positions = torch.cat([torch.arange(len(row)) for row in rows])
    with torch.no_grad():
        made = model.to(dtype)(
            input_ids=torch.tensor([list(chain.from_iterable(rows))]),
            position_ids=positions[None],
            cu_seq_lens_q=bounds,
        ).logits[0]
    return made.float().split(lengths.tolist())


MODEL = grouped_heads()
ROW = st.lists(st.integers(0, 49), min_size=1, max_size=12)


@settings(max_examples=20, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=4), ROW, st.sampled_from([torch.float32, torch.bfloat16]))
def test_a_rows_logits_are_those_it_has_alone(
    neighbours: list[list[int]], row: list[int], dtype: torch.dtype
) -> None:
    together = packed_logits(MODEL, [*neighbours, row, *neighbours], dtype)[len(neighbours)]
    MODEL.set_attn_implementation("sdpa")
    with torch.no_grad():
        alone = MODEL(input_ids=torch.tensor([row])).logits[0].float()
    assert torch.allclose(together, alone, atol=1e-5 if dtype == torch.float32 else 2e-2)


def test_rows_start_again_and_their_first_token_is_not_learned(tmp_path: Path) -> None:
    chosen = settings_of(tmp_path, packing=True)
    model, tokenizer = load_start(chosen)
    corpus = tokenise_rows(rows_of_many_lengths(), tokenizer, max_length=512)
    trainer: Any = sft_trainer(chosen, model, tokenizer, corpus.dataset)
    batch: Any = next(iter(trainer.get_train_dataloader()))
    starts = (batch["position_ids"][0] == 0).nonzero().flatten()
    lengths = [*starts.diff().tolist(), batch["input_ids"].shape[1] - int(starts[-1])]
    assert sorted(lengths) == sorted(corpus.dataset["length"])
    assert (batch["labels"][0, starts] == IGNORED).all()


def test_what_attends_in_windows_is_not_packed_by_rows(tmp_path: Path) -> None:
    config: Any = MistralConfig
    mistral: Any = MistralForCausalLM
    windows: Any = mistral(
        config(
            vocab_size=50,
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=1,
            num_key_value_heads=1,
            sliding_window=4,
        )
    )
    assert layout(settings_of(tmp_path), windows) == (False, "sdpa")
    assert layout(settings_of(tmp_path, packing=True, attention="sdpa"), windows) == (True, "sdpa")
    with pytest.raises(UsageError, match=r"packing: mistral attends in windows .* set packing: false"):
        layout(settings_of(tmp_path, packing=True), windows)


def test_packing_is_what_the_cpu_does_unless_told_otherwise(tmp_path: Path) -> None:
    assert layout(settings_of(tmp_path), MODEL) == (True, ROWS)
    assert layout(settings_of(tmp_path, packing=False), MODEL) == (False, "sdpa")
    assert layout(settings_of(tmp_path, attention="eager"), MODEL) == (False, "eager")
    assert layout(settings_of(tmp_path, batch=1), MODEL) == (False, "sdpa")
