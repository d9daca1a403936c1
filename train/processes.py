"""Which of the processes of one training this is, as accelerate and torchrun tell each by its environment."""

from __future__ import annotations

import os


def processes() -> int:
    """How many train together; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def launched() -> bool:
    """Whether accelerate or torchrun started this process."""
    return "WORLD_SIZE" in os.environ


def is_main() -> bool:
    """Whether this is the one that writes and prints."""
    return os.environ.get("RANK", "0") == "0"


def weights_are_split() -> bool:
    """Whether no process holds all weights: FSDP, or ZeRO's third stage."""
    zero3 = os.environ.get("ACCELERATE_DEEPSPEED_ZERO_STAGE") == "3"
    return os.environ.get("ACCELERATE_USE_FSDP", "false") == "true" or zero3
