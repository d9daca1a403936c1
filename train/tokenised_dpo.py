"""TRL's ``DPOTrainer`` on pairs that are tokenised already, and without a reference."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.data import DataLoader
from trl.trainer.dpo_trainer import DPOTrainer

from longthought.train.length_batches import length_batches
from longthought.train.step_shares import StepShares

_REFERENCE = ("ref_chosen_logps", "ref_rejected_logps")


class TokenisedDPOTrainer(StepShares, DPOTrainer):
    """Takes the columns prompt_ids, chosen_ids and rejected_ids as they are.

    TRL would render the messages itself, and take special tokens that are spelt in a text for real ones. The pairs
    of a step have similar lengths; its loss is their mean, and its SFT term one over their chosen tokens.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        trl: Any = super()
        trl.__init__(*args, **kwargs)
        mine: Any = self
        self._weights: list[float] = list(mine.loss_weights)

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return length_batches(self)

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        # TRL hands the values on in a file, whose name for a dataset in memory each process draws by itself.
        trainer: Any = self
        loader: Any = DataLoader(dataset, batch_size=batch_size, collate_fn=trainer.data_collator)
        asked: list[Any] = [
            trainer.accelerator.gather_for_metrics(trainer.compute_ref_log_probs(trainer.model, batch))
            for batch in trainer.accelerator.prepare(loader)
        ]
        cat: Any = torch.cat
        for column, values in zip(_REFERENCE, zip(*asked, strict=True), strict=True):
            dataset = dataset.add_column(column, cat(values).tolist())
        return dataset

    def counts(self, batch: Any) -> tuple[Any, Any]:
        """Pairs, and tokens of the chosen answers."""
        learned = batch["completion_mask"][:, 1:]
        pairs = len(learned) // 2
        return pairs, learned[:pairs].sum()

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        # The preference term, and behind it the SFT term if there is one.
        self.loss_weights: Any = [
            weight * share for weight, share in zip(self._weights, self.shares(inputs), strict=False)
        ]
        trl: Any = super()
        return trl.compute_loss(model, inputs, *args, **kwargs)


class ReferenceFreeDPOTrainer(TokenisedDPOTrainer):
    """The same against a reference to which all answers are equally likely: its log-probabilities are 0.

    Asked for log-probabilities beforehand, TRL keeps no reference model.
    """

    def _precompute_ref_logps(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        for column in _REFERENCE:
            dataset = dataset.add_column(column, [0.0] * len(dataset))
        return dataset
