"""TRL's ``KTOTrainer`` on answers that are tokenised already."""

from __future__ import annotations

from typing import Any

from trl.trainer.kto_trainer import KTOTrainer


class TokenisedKTOTrainer(KTOTrainer):
    """Takes the columns prompt_ids, completion_ids, KL_completion_ids and label as they are.

    TRL would render the messages itself, and take special tokens that are spelt in a text for real ones.
    """

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset
