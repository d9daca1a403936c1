"""TRL's ``KTOTrainer`` on answers that are tokenised already."""

from __future__ import annotations

from typing import Any

from trl.trainer.kto_trainer import KTOTrainer

from longthought.train.step_shares import StepShares


class TokenisedKTOTrainer(KTOTrainer):
    """Takes the columns prompt_ids, completion_ids, KL_completion_ids and label as they are.

    TRL would render the messages itself, and take special tokens that are spelt in a text for real ones. The loss is a
    mean over the answers of an optimiser step; its KL term stays each batch's own.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        trl: Any = super()
        trl.__init__(*args, **kwargs)
        self._shares = StepShares(lambda batch: [len(batch["label"])])

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> Any:
        trl: Any = super()
        batches, items = trl.get_batch_samples(*args, **kwargs)
        self._shares.begin(self, batches)
        return batches, items

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        (share,) = self._shares.of(inputs)
        trl: Any = super()
        return share * trl.compute_loss(model, inputs, *args, **kwargs)
