"""TRL's ``SFTTrainer`` made lean for small models: no per-token metrics, and batches of similar length."""

from __future__ import annotations

from typing import Any

from transformers import Trainer
from trl import SFTTrainer

from longthought.train.length_batches import LengthBatchTrainer

_Trainer: Any = Trainer


class LeanSFTTrainer(SFTTrainer, LengthBatchTrainer):
    """With ``token_metrics`` it is TRL's own; without, the loss is the model's, as in ``Trainer``."""

    def __init__(self, *args: Any, token_metrics: bool, **kwargs: Any) -> None:
        self._token_metrics = token_metrics
        super().__init__(*args, **kwargs)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        if self._token_metrics:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        inputs["use_cache"] = False
        return _Trainer.compute_loss(self, model, inputs, return_outputs, num_items_in_batch)
