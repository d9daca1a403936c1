"""What a mask leaves out moves nothing: gradients through the trainers' own loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from longthought.synth.derive.journey import Journey
from longthought.synth.derive.rows import SftRow
from longthought.synth.tokens.labels import IGNORED
from longthought.train.corpus import Row
from longthought.train.settings import SftSettings
from longthought.train.sft import sft_trainer
from longthought.train.starting_point import find_start
from longthought.train.tokenise import tokenise_rows
from tests.synth.scripted_runs import DETOURS, transcript_of
from tests.train.tiny_corpora import shared_settings


@pytest.mark.parametrize("mask", ["drop-wrong", "recovery-only", "critic-only", "policy-only"])
@pytest.mark.parametrize("lean", [True, False])
def test_gradients_on_masked_tokens_are_zero(tmp_path: Path, mask: str, lean: bool) -> None:
    (row,) = Journey.model_validate({"mask": mask}).rows([transcript_of(tmp_path / "run", DETOURS)])
    assert isinstance(row, SftRow)
    base = shared_settings(tmp_path, "journey", tmp_path / "out")
    settings = SftSettings.model_validate(
        {**base, "model": "embedded", "max_length": 512, "bf16": False, "token_metrics": not lean}
    )
    start = find_start(settings)
    model, tokenizer = start.weights(), start.tokenizer
    corpus = tokenise_rows([Row(row.model_dump(), "row 1")], tokenizer, max_length=512)
    trainer: Any = sft_trainer(settings, model, tokenizer, corpus.dataset)
    seen: list[torch.Tensor] = []

    def keep(_module: object, _given: object, made: torch.Tensor) -> None:
        made.retain_grad()
        seen.append(made)

    trainer.model.model.norm.register_forward_hook(keep)
    batch: Any = next(iter(trainer.get_train_dataloader()))
    trainer.compute_loss(trainer.model, batch).backward()
    (last,) = seen
    assert last.grad is not None
    moved = last.grad[0].abs().sum(-1) > 0
    # The last hidden state at one token predicts the next, and nothing else.
    learned = torch.tensor([label != IGNORED for label in corpus.dataset[0]["labels"]])[1:]
    assert torch.equal(moved[: len(learned)], learned)
    assert not moved[len(learned) :].any()
    assert learned.any()
    assert not learned.all()
