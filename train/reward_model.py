"""Learned reward models: a two-label head, read at the end of every step (PRM) or of the solution (ORM).

A PRM's supervision ends at the first wrong step, and neutral steps count as right, as in Let's Verify Step by Step
(§2.4 and its appendix; both are settings). An ORM learns whether the whole solution is right, as there and in Cobbe et
al. (2021). Departures: the ORM's loss is at the solution's last token alone, not at every token; and where it is not
known whether the final answer is right, a solution is wrong if a step is, and right if all steps are and the last one
states an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from longthought.agents.errors import UsageError
from longthought.agents.rewards.prm.conventions import LONGTHOUGHT
from longthought.agents.rewards.prm.layout import StepLayout
from longthought.synth.labelled.read import labelled_row
from longthought.synth.labelled.record import LabelledSolution
from longthought.synth.tokens.labels import IGNORED
from longthought.train.arguments import attention, trainer_arguments
from longthought.train.begin import begin
from longthought.train.corpus import Row, read_rows
from longthought.train.fit import fit_and_save
from longthought.train.row_length import fits, longest
from longthought.train.settings import OrmSettings, PrmSettings, RewardModelSettings
from longthought.train.tokenise import Tokenised, tokenised

#: The steps to read and a label at each one's end: 1 right, 0 wrong, ``IGNORED`` unsupervised. Empty: nothing to learn.
Supervised = tuple[tuple[str, ...], tuple[int, ...]]


def run_prm(settings: PrmSettings) -> Path:
    """Train and save a process reward model, which the reward kind ``prm`` loads.

    Raises:
        UsageError: a model, corpus or row that cannot be trained with; see the functions called.
    """
    return _run(settings, lambda solution: step_supervision(solution, settings))


def run_orm(settings: OrmSettings) -> Path:
    """Train and save an outcome reward model; loaded like a PRM, its reading of a whole solution is what counts.

    Raises:
        UsageError: a model, corpus or row that cannot be trained with; see the functions called.
    """
    return _run(settings, outcome_supervision)


def step_supervision(solution: LabelledSolution, settings: PrmSettings) -> Supervised:
    """Every labelled step up to the first wrong one, or every labelled step."""
    values = {"right": 1, "wrong": 0, "neutral": {"right": 1, "wrong": 0, "skip": IGNORED}[settings.neutral]}
    labels = [IGNORED if label is None else values[label] for label in solution.labels]
    if settings.after_first_error == "drop" and 0 in labels:
        labels = labels[: labels.index(0) + 1]
    while labels and labels[-1] == IGNORED:
        labels.pop()
    return solution.steps[: len(labels)], tuple(labels)


def outcome_supervision(solution: LabelledSolution) -> Supervised:
    """The whole solution with one label at its end."""
    right = solution.answer_right
    if right is None and solution.whole:
        if solution.first_error is not None:
            right = False
        elif all(label is not None for label in solution.labels) and solution.path().answer is not None:
            right = True
    if right is None:
        return (), ()
    return solution.steps, (*(IGNORED,) * (len(solution.steps) - 1), int(right))


def tokenise_solutions(
    rows: Iterable[Row],
    supervise: Callable[[LabelledSolution], Supervised],
    tokenizer: Any,
    settings: RewardModelSettings,
    context: int | None = None,
) -> Tokenised:
    """Labelled solutions in any format that ``longthought judge`` reads, as ids with labels at their steps' ends.

    Raises:
        UsageError: a row in none of the formats, or longer than ``max_length`` tokens or the model's ``context``
            (unless those are dropped); nothing that has a label, or nothing but one label.
    """
    layout = StepLayout(LONGTHOUGHT, tokenizer)
    ids, labels = list[Any](), list[Any]()
    dropped = unlabelled = 0
    for row in rows:
        for solution in labelled_row(row.content, row.where, row.where):
            steps, supervised = supervise(solution)
            if not steps:
                unlabelled += 1
                continue
            row_ids, ends = layout.encode(solution.question, steps)
            if not fits(len(row_ids), row.where, settings.max_length, context, settings.too_long):
                dropped += 1
                continue
            row_labels = np.full(len(row_ids), IGNORED, dtype=np.int32)
            row_labels[ends] = np.array(supervised, dtype=np.int32)
            ids.append(np.array(row_ids, dtype=np.int32))
            labels.append(row_labels)
    if not ids and unlabelled and not dropped:
        raise UsageError(
            f"corpora: none of the {unlabelled} solutions has a label to learn from; export or label them again"
        )
    known = {int(label) for row_labels in labels for label in np.unique(row_labels)} - {IGNORED}
    if len(known) == 1:
        raise UsageError(
            f"corpora: every label says {'right' if known == {1} else 'wrong'}, so there is nothing to tell apart; "
            "add solutions of the other kind"
        )
    return tokenised(ids, labels, dropped, longest(settings.max_length, context))


def _run(
    settings: RewardModelSettings,
    supervise: Callable[[LabelledSolution], Supervised],
) -> Path:
    start = begin(
        settings,
        kind="AutoModelForTokenClassification",
        num_labels=2,
        id2label={0: "wrong", 1: "right"},
        label2id={"wrong": 0, "right": 1},
    )
    if start is None:
        return settings.out
    corpus = tokenise_solutions(
        read_rows(settings.corpora), supervise, start.tokenizer, settings, start.context
    )
    torch: Any = import_module("torch")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = start.weights()
    trainer = reward_trainer(settings, model, start.tokenizer, corpus.dataset)
    counts = {
        "rows": len(corpus.dataset),
        "rows_dropped": corpus.dropped,
        "tokens_of_an_epoch": corpus.tokens,
        "labels_of_an_epoch": corpus.trained,
    }
    return fit_and_save(settings, trainer, start.tokenizer, counts)


def reward_trainer(settings: RewardModelSettings, model: Any, tokenizer: Any, dataset: Any) -> Any:
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
        compute_loss_func=label_loss,
    )


def label_loss(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
    """Cross-entropy, as a mean over all labels of an optimiser step, however many batches it has.

    The models' own loss is a mean over a batch, and their trainer adds these up as if they were parts of one.
    """
    functional: Any = import_module("torch.nn.functional")
    total = functional.cross_entropy(
        outputs.logits.flatten(0, 1).float(), labels.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    return total / ((labels != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch)
