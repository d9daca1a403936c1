"""Low-rank adapters (LoRA, Hu et al. 2021) through peft."""

from __future__ import annotations

from typing import Any

from longthought.train.settings import LoraSettings


def lora_config(settings: LoraSettings | None, task: str = "CAUSAL_LM") -> Any:
    """peft's configuration, or None where all weights are trained."""
    if settings is None:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=settings.r,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=settings.target_modules,
        task_type=task,
    )
