"""Direct preference optimisation (Rafailov et al. 2023) with TRL's ``DPOTrainer`` on pairs tokenised here."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from longthought.train.arguments import attention, quiet_libraries, trainer_arguments
from longthought.train.artifact import check_places
from longthought.train.corpus import read_rows
from longthought.train.fit import fit_and_save
from longthought.train.lora import lora_config
from longthought.train.preferences import tokenise_pairs
from longthought.train.settings import DpoSettings
from longthought.train.starting_point import load_start


def run_dpo(settings: DpoSettings) -> Path:
    """Train and save; the reference is the model that training starts from.

    Raises:
        UsageError: a model, corpus or row that cannot be trained with; see the functions called.
    """
    quiet_libraries()
    check_places(settings)
    model, tokenizer = load_start(settings)
    pairs = tokenise_pairs(
        read_rows(settings.corpora), tokenizer, max_length=settings.max_length, too_long=settings.too_long
    )
    trainer = dpo_trainer(settings, model, tokenizer, pairs.dataset)
    counts = {"rows": len(pairs.dataset), "rows_dropped": pairs.dropped, "tokens_of_an_epoch": pairs.tokens}
    return fit_and_save(settings, "dpo", trainer, tokenizer, counts)


def dpo_trainer(settings: DpoSettings, model: Any, tokenizer: Any, dataset: Any) -> Any:
    """TRL's trainer on tokenised pairs, with an SFT term on the chosen side if ``sft_weight`` is above 0."""
    from trl.trainer.dpo_config import DPOConfig

    from longthought.train.tokenised_dpo import TokenisedDPOTrainer

    weighted = settings.sft_weight > 0
    config: Any = DPOConfig
    arguments = config(
        **trainer_arguments(settings),
        beta=settings.beta,
        loss_type=["sigmoid", "sft"] if weighted else ["sigmoid"],
        loss_weights=[1.0, settings.sft_weight] if weighted else None,
        max_length=None,
    )
    model.set_attn_implementation(attention(settings))
    trainer: Any = TokenisedDPOTrainer
    return trainer(
        model=model,
        # With adapters the reference is the model without them.
        ref_model=None if settings.lora else deepcopy(model),
        args=arguments,
        train_dataset=dataset,
        processing_class=tokenizer,
        peft_config=lora_config(settings.lora),
    )
