"""A plain TRL script for supervised fine-tuning on tokenised rows: what ``train sft`` is measured against.

``python -m benchmarks.plain_sft ROWS OUT``: JSON lines with ``input_ids`` and ``labels``. TRL's defaults but for what
is given; of these only ``gradient_checkpointing`` and ``bf16`` touch speed, and both sides get the same.
"""

from __future__ import annotations

import sys
from typing import Any

from datasets import load_dataset  # type: ignore[import-untyped]
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer


def plain_trainer(rows: str, out: str, model: str = "agents/embedded/lm", **given: Any) -> Any:
    """The script; ``given`` are further arguments of ``SFTConfig``."""
    loader: Any = AutoModelForCausalLM
    tokenizers: Any = AutoTokenizer
    config: Any = SFTConfig
    trainer: Any = SFTTrainer
    arguments = {
        "num_train_epochs": 1,
        "max_length": None,
        "per_device_train_batch_size": 8,
        "learning_rate": 1e-3,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "gradient_checkpointing": False,
        **given,
    }
    return trainer(
        model=loader.from_pretrained(model, dtype="float32"),
        args=config(output_dir=out, **arguments),
        train_dataset=load_dataset("json", data_files=rows, split="train"),
        processing_class=tokenizers.from_pretrained(model),
    )


if __name__ == "__main__":
    plain_trainer(*sys.argv[1:3]).train()
