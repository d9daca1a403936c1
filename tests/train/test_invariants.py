"""What must not change a training: how a step is divided, where it is resumed, and what saves memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.train.tiny_trainings import KINDS, apart, losses, moved, tiny_settings, train

by_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def without_dropout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A classifier's dropout throws its dice once a batch, so that another division has other dice."""

    def passed(_self: torch.nn.Dropout, given: torch.Tensor) -> torch.Tensor:
        return given

    monkeypatch.setattr(torch.nn.Dropout, "forward", passed)


@by_kind
def test_a_step_is_the_same_however_it_is_divided(
    kind: str, trained: Path, tmp_path: Path, without_dropout: None
) -> None:
    settings = tiny_settings(kind, trained, tmp_path) | {"epochs": 2}
    whole = train(kind, settings, batch=8)
    parts = train(kind, settings, batch=1, accumulation=8, out=tmp_path / "parts")
    assert len(losses(whole)) == 6
    assert losses(parts) == pytest.approx(losses(whole), abs=1e-5)
    assert apart(whole, parts) < 1e-5 < 1e-3 < moved(whole, trained)


@pytest.mark.parametrize("reference", ["start", "none"])
def test_pairs_and_tokens_count_the_same_however_unevenly_a_step_is_divided(
    reference: str, trained: Path, tmp_path: Path
) -> None:
    settings = tiny_settings("dpo", trained, tmp_path, rows=14) | {"sft_weight": 1.0, "reference": reference}
    whole = train("dpo", settings, batch=8)
    # Six pairs are left for the last step: four and two, and every pair has as many tokens as it has.
    parts = train("dpo", settings, batch=4, accumulation=2, out=tmp_path / "parts")
    assert losses(parts) == pytest.approx(losses(whole), abs=1e-5)
    assert apart(whole, parts) < 1e-5 < 1e-3 < moved(whole, trained)


def test_answers_of_a_first_step_count_the_same_however_unevenly_it_is_divided(
    trained: Path, tmp_path: Path
) -> None:
    # The KL term, which each batch estimates for itself, is 0 as long as the model is its own reference.
    settings = tiny_settings("kto", trained, tmp_path, rows=6) | {"desirable_weight": 3.0, "warmup": 0}
    whole = train("kto", settings, batch=6)
    parts = train("kto", settings, batch=4, accumulation=2, out=tmp_path / "parts")
    # 1 − σ(0) of three good and three bad answers.
    assert losses(whole) == losses(parts) == [pytest.approx((3 * 3.0 + 3 * 1.0) / 6 / 2)]
    assert apart(whole, parts) < 1e-5 < 1e-4 < moved(whole, trained)


@by_kind
def test_checkpointing_gradients_changes_nothing(kind: str, trained: Path, tmp_path: Path) -> None:
    settings = tiny_settings(kind, trained, tmp_path, rows=8) | {"batch": 4}
    plain = train(kind, settings)
    spared = train(kind, settings, gradient_checkpointing=True, out=tmp_path / "spared")
    assert losses(spared) == pytest.approx(losses(plain), abs=1e-5)
    assert apart(plain, spared) < 1e-5
