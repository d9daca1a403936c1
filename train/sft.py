"""Supervised fine-tuning with TRL's ``SFTTrainer`` on rows that are tokenised and masked here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longthought.train.arguments import trainer_arguments
from longthought.train.artifact import check_means, check_places
from longthought.train.begin import begin
from longthought.train.checkpoints import is_finished
from longthought.train.corpus import read_rows
from longthought.train.fit import fit_and_save
from longthought.train.lora import adapters
from longthought.train.packing import layout
from longthought.train.phases import clear_up, phases_of, whole_account
from longthought.train.settings import SftSettings
from longthought.train.starting_point import find_start
from longthought.train.tokenise import tokenise_rows

_SMALL_VOCABULARY = 8192


def run_sft(settings: SftSettings) -> Path:
    """Train, phase after phase, and save; returns the directory, which transformers, vLLM and TRL load.

    Raises:
        UsageError: a model, corpus or row that cannot be trained with; see the functions called.
    """
    phases = phases_of(settings)
    start = begin(settings)
    if start is None:
        # It may have been killed between its end and this.
        clear_up(phases)
        return settings.out
    for phase in phases[:-1]:
        check_places(phase)
    check_means(phases[-1])
    # All rows are looked at before the first phase trains.
    corpora = [
        tokenise_rows(
            read_rows(phase.corpora),
            start.tokenizer,
            max_length=phase.max_length,
            context=start.context,
            too_long=phase.too_long,
        )
        for phase in phases
    ]
    for phase, corpus in zip(phases, corpora, strict=True):
        if phase.earlier == "resume" and is_finished(phase):
            continue
        first, last = phase is phases[0], phase is phases[-1]
        model = (start if first else find_start(phase)).weights()
        trainer = sft_trainer(phase, model, start.tokenizer, corpus.dataset)
        counts = {
            "rows": len(corpus.dataset),
            "rows_dropped": corpus.dropped,
            "tokens_of_an_epoch": corpus.tokens,
            "trained_tokens_of_an_epoch": corpus.trained,
            **(whole_account(settings, phases) if last else {}),
        }
        fit_and_save(phase, trainer, start.tokenizer, counts)
    clear_up(phases)
    return settings.out


def sft_trainer(settings: SftSettings, model: Any, tokenizer: Any, dataset: Any) -> Any:
    """TRL's trainer on a tokenised dataset, batches made of rows of similar length, packed or padded."""
    from trl.trainer.sft_config import SFTConfig

    from longthought.train.sft_trainers import LeanSFTTrainer, LengthBatchSFTTrainer

    packed, attention = layout(settings, model)
    config: Any = SFTConfig
    arguments = config(
        **trainer_arguments(settings),
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        padding_free=packed,
        completion_only_loss=False,
        assistant_only_loss=False,
    )
    model.set_attn_implementation(attention)
    small = settings.token_metrics == "auto" and model.config.vocab_size <= _SMALL_VOCABULARY
    lean = small or settings.token_metrics is False
    trainer: Any = LeanSFTTrainer if lean else LengthBatchSFTTrainer
    with adapters(settings.lora) as peft_config:
        return trainer(
            model=model,
            args=arguments,
            train_dataset=dataset,
            processing_class=tokenizer,
            peft_config=peft_config,
        )
