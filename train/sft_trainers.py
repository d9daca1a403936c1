"""TRL's ``SFTTrainer`` with batches of similar length, and a leaner one for small vocabularies."""

from __future__ import annotations

from typing import Any

from transformers import Trainer
from trl.trainer.sft_trainer import SFTTrainer

from longthought.train.length_batches import length_batches

_Trainer: Any = Trainer


class LengthBatchSFTTrainer(SFTTrainer):
    """TRL's loss, which never builds all logits and logs entropy and token accuracy."""

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return length_batches(self)


class LeanSFTTrainer(LengthBatchSFTTrainer):
    """The model's own loss, as in ``Trainer``: a tenth less work where the vocabulary is small."""

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        inputs["use_cache"] = False
        return _Trainer.compute_loss(self, model, inputs, return_outputs, num_items_in_batch)
