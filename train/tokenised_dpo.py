"""TRL's ``DPOTrainer`` on pairs that are tokenised already."""

from __future__ import annotations

from typing import Any

from trl.trainer.dpo_trainer import DPOTrainer


class TokenisedDPOTrainer(DPOTrainer):
    """Takes the columns prompt_ids, chosen_ids and rejected_ids as they are.

    TRL would render the messages itself, and take special tokens that are spelt in a text for real ones.
    """

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset
