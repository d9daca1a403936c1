"""Low-rank adapters (LoRA, Hu et al. 2021) through peft."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from longthought.agents.errors import UsageError
from longthought.train.settings import LoraSettings


@contextmanager
def adapters(settings: LoraSettings | None) -> Generator[Any]:
    """peft's configuration to make a trainer with, or None where all weights are trained.

    Raises:
        UsageError: ``target_modules`` are none of the model's, or none that can have adapters.
    """
    if settings is None:
        yield None
        return
    from peft import LoraConfig

    try:
        yield LoraConfig(
            r=settings.r,
            lora_alpha=settings.alpha,
            lora_dropout=settings.dropout,
            target_modules=settings.target_modules,
            task_type="CAUSAL_LM",
        )
    except ValueError as error:
        # peft and TRL both say so where it is about them.
        if not re.search(r"target[_ ]module", str(error), re.IGNORECASE):
            raise
        raise UsageError(f"lora.target_modules: {str(error).strip().partition(chr(10))[0]}") from error
