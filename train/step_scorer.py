"""The step scorer, a process reward model: a two-label head, read at the last token of every step."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from longthought.agents.errors import UsageError
from longthought.agents.rewards.step_scorer import step_tokens
from longthought.train.arguments import attention, quiet_libraries, trainer_arguments
from longthought.train.artifact import check_out
from longthought.train.corpus import Row, read_rows
from longthought.train.fit import fit_and_save
from longthought.train.settings import StepScorerSettings
from longthought.train.starting_point import load_or_explain, load_tokenizer, model_source
from longthought.train.tokenise import IGNORED, Tokenised, tokenised


def run_step_scorer(settings: StepScorerSettings) -> Path:
    """Train and save a scorer that ``agents.rewards.step_scorer.StepScorer`` loads.

    Raises:
        UsageError: a model, corpus or row that cannot be trained with; see the functions called.
    """
    quiet_libraries()
    check_out(settings)
    torch: Any = import_module("torch")
    from transformers import AutoModelForTokenClassification

    source = model_source(settings.model)
    tokenizer = load_tokenizer(source)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = load_or_explain(
            AutoModelForTokenClassification,
            source,
            dtype="float32",
            num_labels=2,
            id2label={0: "wrong", 1: "right"},
            label2id={"wrong": 0, "right": 1},
        )
    corpus = tokenise_steps(
        read_rows(settings.corpora), tokenizer, max_length=settings.max_length, too_long=settings.too_long
    )
    trainer = step_scorer_trainer(settings, model, tokenizer, corpus.dataset)
    counts = {
        "rows": len(corpus.dataset),
        "rows_dropped": corpus.dropped,
        "tokens_of_an_epoch": corpus.tokens,
        "steps_labelled": corpus.trained,
    }
    return fit_and_save(settings, "step-scorer", trainer, tokenizer, counts)


def tokenise_steps(
    rows: Iterable[Row], tokenizer: Any, *, max_length: int, too_long: Literal["error", "drop"] = "error"
) -> Tokenised:
    """Rows with ``prompt``, ``completions`` (the steps) and ``labels``, as ids with labels at their ends.

    Raises:
        UsageError: a row without these, or longer than ``max_length`` tokens (unless those are dropped).
    """
    ids, labels = list[Any](), list[Any]()
    dropped = 0
    for row in rows:
        prompt, steps, verdicts = _columns(row)
        row_ids, ends = step_tokens(tokenizer, prompt, steps)
        if len(ends) != len(verdicts) or not ends:
            raise UsageError(f"{row.where}: {len(ends)} steps with {len(verdicts)} labels")
        if len(row_ids) > max_length:
            if too_long == "error":
                raise UsageError(
                    f"{row.where}: {len(row_ids)} tokens are more than max_length {max_length}; "
                    "raise max_length or set too_long: drop"
                )
            dropped += 1
            continue
        row_labels = np.full(len(row_ids), IGNORED, dtype=np.int32)
        row_labels[ends] = np.array(verdicts, dtype=np.int32)
        ids.append(np.array(row_ids, dtype=np.int32))
        labels.append(row_labels)
    return tokenised(ids, labels, dropped, max_length)


def _columns(row: Row) -> tuple[str, list[str], list[bool]]:
    prompt, steps, labels = (row.content.get(column) for column in ("prompt", "completions", "labels"))
    if not (isinstance(prompt, str) and isinstance(steps, list) and isinstance(labels, list)):
        raise UsageError(f"{row.where}: expected `prompt`, and a list each of `completions` and `labels`")
    return prompt, cast("list[str]", steps), cast("list[bool]", labels)


def step_scorer_trainer(settings: StepScorerSettings, model: Any, tokenizer: Any, dataset: Any) -> Any:
    """transformers' trainer, batches made of rows of similar length."""
    from transformers import TrainingArguments
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    from longthought.train.length_batches import LengthBatchTrainer

    arguments: Any = TrainingArguments
    collator: Any = DataCollatorForLanguageModeling
    model.set_attn_implementation(attention(settings))
    trainer: Any = LengthBatchTrainer
    return trainer(
        model=model,
        args=arguments(**trainer_arguments(settings)),
        data_collator=collator(pad_token_id=tokenizer.pad_token_id),
        train_dataset=dataset,
        processing_class=tokenizer,
    )
