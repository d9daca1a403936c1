"""Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290) with TRL's ``DPOTrainer``.

The reference is the model that training starts from: beside it in memory, or asked once beforehand (``precomputed``).
With ``reference: none`` all answers count as equally likely under it, so that only the policy's own log-probabilities
stand against each other, as with ``reference_free`` in the authors' code. Of the losses, ``ipo`` is Azar et al. 2023
(arXiv 2310.12036), ``hinge`` SLiC's (Zhao et al. 2023, arXiv 2305.10425), and ``sigmoid_norm`` compares means per
token; without a reference that is SimPO (Meng et al. 2024, arXiv 2405.14734) with a margin of 0.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from longthought.train.arguments import attention, trainer_arguments
from longthought.train.begin import begin
from longthought.train.corpus import read_rows
from longthought.train.fit import fit_and_save
from longthought.train.lora import adapters
from longthought.train.preferences import tokenise_pairs
from longthought.train.settings import DpoSettings


def run_dpo(settings: DpoSettings) -> Path:
    """Train and save.

    Raises:
        UsageError: a model, corpus or row that cannot be trained with; see the functions called.
    """
    start = begin(settings)
    if start is None:
        return settings.out
    pairs = tokenise_pairs(
        read_rows(settings.corpora),
        start.tokenizer,
        max_length=settings.max_length,
        context=start.context,
        too_long=settings.too_long,
        part=settings.part,
    )
    trainer = dpo_trainer(settings, start.weights(), start.tokenizer, pairs.dataset)
    counts = {
        "rows": len(pairs.dataset),
        "rows_dropped": pairs.dropped,
        "pairs_equal": pairs.equal,
        "tokens_of_an_epoch": pairs.tokens,
    }
    return fit_and_save(settings, trainer, start.tokenizer, counts)


def dpo_trainer(settings: DpoSettings, model: Any, tokenizer: Any, dataset: Any) -> Any:
    """TRL's trainer on tokenised pairs, with an SFT term on the chosen side if ``sft_weight`` is above 0."""
    from trl.trainer.dpo_config import DPOConfig

    from longthought.train.tokenised_dpo import ReferenceFreeDPOTrainer, TokenisedDPOTrainer

    weighted = settings.sft_weight > 0
    config: Any = DPOConfig
    arguments = config(
        **trainer_arguments(settings),
        beta=settings.beta,
        loss_type=[settings.loss, "sft"] if weighted else [settings.loss],
        loss_weights=[1.0, settings.sft_weight] if weighted else None,
        precompute_ref_log_probs=settings.reference != "start",
        max_length=None,
    )
    model.set_attn_implementation(attention(settings))
    trainer: Any = ReferenceFreeDPOTrainer if settings.reference == "none" else TokenisedDPOTrainer
    with adapters(settings.lora) as peft_config:
        return trainer(
            model=model,
            # With adapters the reference is the model without them.
            ref_model=None if settings.lora or settings.reference != "start" else deepcopy(model),
            args=arguments,
            train_dataset=dataset,
            processing_class=tokenizer,
            peft_config=peft_config,
        )
