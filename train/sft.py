"""Supervised fine-tuning with TRL's ``SFTTrainer`` on rows that are tokenised and masked here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longthought.train.arguments import attention, quiet_libraries, trainer_arguments
from longthought.train.artifact import check_places
from longthought.train.corpus import read_rows
from longthought.train.fit import fit_and_save
from longthought.train.lora import lora_config
from longthought.train.row_kinds import check_kinds
from longthought.train.settings import SftSettings
from longthought.train.starting_point import find_start
from longthought.train.tokenise import tokenise_rows

_SMALL_VOCABULARY = 8192


def run_sft(settings: SftSettings) -> Path:
    """Train and save; returns the directory, which transformers, vLLM and TRL load.

    Raises:
        UsageError: a model, corpus or row that cannot be trained with; see the functions called.
    """
    quiet_libraries()
    check_places(settings)
    check_kinds(settings.corpora, "sft")
    start = find_start(settings)
    corpus = tokenise_rows(
        read_rows(settings.corpora),
        start.tokenizer,
        max_length=settings.max_length,
        context=start.context,
        too_long=settings.too_long,
    )
    trainer = sft_trainer(settings, start.weights(), start.tokenizer, corpus.dataset)
    counts = {
        "rows": len(corpus.dataset),
        "rows_dropped": corpus.dropped,
        "tokens_of_an_epoch": corpus.tokens,
        "trained_tokens_of_an_epoch": corpus.trained,
    }
    return fit_and_save(settings, "sft", trainer, start.tokenizer, counts)


def sft_trainer(settings: SftSettings, model: Any, tokenizer: Any, dataset: Any) -> Any:
    """TRL's trainer on a tokenised dataset, batches made of rows of similar length."""
    from trl.trainer.sft_config import SFTConfig

    from longthought.train.sft_trainers import LeanSFTTrainer, LengthBatchSFTTrainer

    config: Any = SFTConfig
    arguments = config(
        **trainer_arguments(settings),
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        packing=False,
        completion_only_loss=False,
        assistant_only_loss=False,
    )
    model.set_attn_implementation(attention(settings))
    small = settings.token_metrics == "auto" and model.config.vocab_size <= _SMALL_VOCABULARY
    lean = small or settings.token_metrics is False
    trainer: Any = LeanSFTTrainer if lean else LengthBatchSFTTrainer
    return trainer(
        model=model,
        args=arguments,
        train_dataset=dataset,
        processing_class=tokenizer,
        peft_config=lora_config(settings.lora),
    )
