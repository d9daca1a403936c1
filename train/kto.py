"""Kahneman–Tversky optimisation (Ethayarajh et al. 2024, arXiv 2402.01306) with TRL's ``KTOTrainer``.

The answers are tokenised here. TRL takes the rows in their order, because it estimates the KL term (§4.1 of the paper)
on each batch's questions with the answers of their neighbours. An export has the samples of a question side by side,
whose answers are no mismatched ones, so the rows are shuffled here, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

from longthought.agents.errors import UsageError
from longthought.synth.tokens.labels import read_messages
from longthought.synth.tokens.row_encoder import RowEncoder
from longthought.train.arguments import attention, trainer_arguments
from longthought.train.begin import begin
from longthought.train.corpus import Row, read_rows
from longthought.train.fit import fit_and_save
from longthought.train.lora import adapters
from longthought.train.preferences import common, encode_answer
from longthought.train.row_length import fits, longest
from longthought.train.settings import KtoSettings


@dataclass(frozen=True, slots=True)
class Judged:
    """``dataset`` is a ``datasets.Dataset`` with the columns of ``TokenisedKTOTrainer``."""

    dataset: Any
    tokens: int
    desirable: int
    dropped: int


def run_kto(settings: KtoSettings) -> Path:
    """Train and save; the reference is the model that training starts from.

    Raises:
        UsageError: a model, corpus or row that cannot be trained with; see the functions called.
    """
    start = begin(settings)
    if start is None:
        return settings.out
    judged = tokenise_judged(read_rows(settings.corpora), start.tokenizer, settings, start.context)
    trainer = kto_trainer(settings, start.weights(), start.tokenizer, judged.dataset)
    counts = {
        "rows": len(judged.dataset),
        "rows_desirable": judged.desirable,
        "rows_dropped": judged.dropped,
        "tokens_of_an_epoch": judged.tokens,
    }
    return fit_and_save(settings, trainer, start.tokenizer, counts)


def tokenise_judged(
    rows: Iterable[Row], tokenizer: Any, settings: KtoSettings, context: int | None = None
) -> Judged:
    """Encode ``prompt`` and ``completion`` (lists of messages) of every row, in an order drawn by the seed.

    A neighbour's completion, of which the KL term takes no gradient, is cut to the room that the prompt leaves.

    Raises:
        UsageError: a row without these or a ``label``, one that the chat template cuts text from, in which nothing is
            learned, or that has more than ``max_length`` tokens or the model's ``context`` (unless those are dropped);
            no rows, or only one label in all of them.
    """
    datasets: Any = import_module("datasets")
    encoder = RowEncoder(tokenizer)
    made: list[tuple[list[int], list[int], bool]] = []
    dropped = 0
    for row in rows:
        label = row.content.get("label")
        if not isinstance(label, bool):
            raise UsageError(f"{row.where}: `label` must be true or false: whether the completion is good")
        prompt = read_messages(row.content, "prompt", row.where)
        ids, _ = encode_answer(encoder, row, prompt, "completion")
        if not fits(len(ids), row.where, settings.max_length, context, settings.too_long):
            dropped += 1
            continue
        taken = common(encoder.encode(prompt, add_generation_prompt=True).ids, ids)
        made.append((ids[:taken], ids[taken:], label))
    limit = longest(settings.max_length, context)
    if not made:
        raise UsageError(f"corpora: no rows to train on ({dropped} were longer than {limit} tokens)")
    desirable = sum(label for _, _, label in made)
    if desirable in (0, len(made)):
        raise UsageError(
            f"corpora: every `label` is {'true' if desirable else 'false'}; KTO needs good and bad answers, so add "
            f"{'bad' if desirable else 'good'} ones, or train the good ones with `longthought train sft`"
        )
    Random(settings.seed).shuffle(made)
    prompts, completions, labels = (list(column) for column in zip(*made, strict=True))
    neighbours = zip(prompts, _neighbours(completions, settings.batch), strict=True)
    columns = {
        "prompt_ids": prompts,
        "completion_ids": completions,
        "KL_completion_ids": [theirs[: limit - len(prompt)] for prompt, theirs in neighbours],
        "label": labels,
    }
    return Judged(
        datasets.Dataset.from_dict(columns), sum(len(a) + len(b) for a, b, _ in made), desirable, dropped
    )


def kto_trainer(settings: KtoSettings, model: Any, tokenizer: Any, dataset: Any) -> Any:
    """TRL's trainer on tokenised answers."""
    from trl.trainer.kto_config import KTOConfig

    from longthought.train.tokenised_kto import TokenisedKTOTrainer

    config: Any = KTOConfig
    arguments = config(
        **trainer_arguments(settings),
        beta=settings.beta,
        desirable_weight=settings.desirable_weight,
        undesirable_weight=settings.undesirable_weight,
        max_length=None,
    )
    model.set_attn_implementation(attention(settings))
    trainer: Any = TokenisedKTOTrainer
    with adapters(settings.lora) as peft_config:
        return trainer(
            model=model,
            # With adapters the reference is the model without them.
            ref_model=None if settings.lora else deepcopy(model),
            args=arguments,
            train_dataset=dataset,
            processing_class=tokenizer,
            peft_config=peft_config,
        )


def _neighbours(completions: Sequence[list[int]], batch: int) -> list[list[int]]:
    """Of each completion the one before it in its batch, of the first the last; one alone has the one before."""
    places = range(0, len(completions), batch)
    turned = [
        (at - 1) if at not in places else min(at + batch, len(completions)) - 1
        for at in range(len(completions))
    ]
    if len(completions) % batch == 1:
        turned[-1] -= 1
    return [list(completions[at]) for at in turned]
