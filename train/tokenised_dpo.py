"""TRL's ``DPOTrainer`` on pairs that are tokenised already, and without a reference."""

from __future__ import annotations

from typing import Any

from trl.trainer.dpo_trainer import DPOTrainer


class TokenisedDPOTrainer(DPOTrainer):
    """Takes the columns prompt_ids, chosen_ids and rejected_ids as they are.

    TRL would render the messages itself, and take special tokens that are spelt in a text for real ones.
    """

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset


class ReferenceFreeDPOTrainer(TokenisedDPOTrainer):
    """The same against a reference to which all answers are equally likely: its log-probabilities are 0.

    Asked for log-probabilities beforehand, TRL keeps no reference model.
    """

    def _precompute_ref_logps(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        for column in ("ref_chosen_logps", "ref_rejected_logps"):
            dataset = dataset.add_column(column, [0.0] * len(dataset))
        return dataset
