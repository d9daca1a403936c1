"""TRL's ``KTOTrainer`` on answers that are tokenised already."""

from __future__ import annotations

from typing import Any

from trl.trainer.kto_trainer import KTOTrainer

from longthought.train.step_shares import StepShares


class TokenisedKTOTrainer(StepShares, KTOTrainer):
    """Takes the columns prompt_ids, completion_ids, KL_completion_ids and label as they are.

    TRL would render the messages itself, and take special tokens that are spelt in a text for real ones. The loss is a
    mean over the answers of an optimiser step; its KL term stays each batch's own.
    """

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset

    def counts(self, batch: Any) -> list[int]:
        return [len(batch["label"])]

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        (share,) = self.shares(inputs)
        trl: Any = super()
        return share * trl.compute_loss(model, inputs, *args, **kwargs)
