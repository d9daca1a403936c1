"""Settings as transformers' training arguments: nothing is uploaded, and nothing reported unless a setting says so."""

from __future__ import annotations

import os
from typing import Any

from longthought.train.checkpoints import checkpoints_of
from longthought.train.reporting import reporting
from longthought.train.settings import TrainSettings

_EAGER_LENGTH = 512

#: What the libraries read when they are imported or first used, unless the user has set it.
_ENVIRONMENT = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "true",
    # oneDNN keeps what it has compiled for shapes that it has met, 1,024 by default; packed batches have ever new ones,
    # so memory would grow with every step.
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "128",
    "LRU_CACHE_CAPACITY": "16",
}


def prepare_libraries() -> None:
    """Switch off usage reports of the libraries and bound their caches; must run before they are imported."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def trainer_arguments(settings: TrainSettings) -> dict[str, Any]:
    """Arguments that TRL's configurations and ``TrainingArguments`` share."""
    import torch

    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    on_cpu = use_cpu(settings)
    return {
        "output_dir": str(checkpoints_of(settings)),
        "num_train_epochs": settings.epochs,
        "max_steps": settings.max_steps or -1,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.scheduler,
        "lr_scheduler_kwargs": _scheduler_options(settings),
        # A fraction is a share of the steps: transformers reads it so.
        "warmup_steps": settings.warmup,
        "weight_decay": settings.weight_decay,
        "adam_beta1": settings.betas[0],
        "adam_beta2": settings.betas[1],
        "max_grad_norm": settings.max_grad_norm,
        "per_device_train_batch_size": settings.batch,
        "gradient_accumulation_steps": settings.accumulation,
        "bf16": use_bf16(settings),
        "use_cpu": on_cpu,
        "gradient_checkpointing": settings.gradient_checkpointing,
        "seed": settings.seed,
        "logging_steps": settings.log_steps,
        # What is no number is logged as it is, and not as the mean of the losses before.
        "logging_nan_inf_filter": False,
        "save_strategy": "steps" if settings.save_steps else "no",
        "save_steps": settings.save_steps or 500,
        "save_total_limit": 2,
        **reporting(settings),
        "push_to_hub": False,
        "dataloader_pin_memory": not on_cpu,
        # Every weight has a part in every loss; looking for others costs a walk through the graph.
        "ddp_find_unused_parameters": False,
    }


def _scheduler_options(settings: TrainSettings) -> dict[str, Any]:
    return {"min_lr_rate": settings.min_lr_rate} if settings.scheduler == "cosine_with_min_lr" else {}


def use_cpu(settings: TrainSettings) -> bool:
    """Whether to train on the CPU: no GPU, or ``device: cpu``."""
    import torch

    return settings.device == "cpu" or not torch.cuda.is_available()


def use_bf16(settings: TrainSettings) -> bool:
    """Whether to compute in bfloat16; ``auto`` asks whether the device has instructions for it."""
    import torch

    if settings.bf16 != "auto":
        return settings.bf16
    if not use_cpu(settings):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    cpu: Any = torch.cpu
    able: dict[str, Any] = cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def attention(settings: TrainSettings) -> str:
    """The attention implementation to train with; saved models do not remember it."""
    if settings.attention != "auto":
        return settings.attention
    # Eager attention holds every score of a batch: long rows have no memory for them, and take longer.
    short = settings.max_length <= _EAGER_LENGTH
    return "eager" if short and use_cpu(settings) and use_bf16(settings) else "sdpa"
