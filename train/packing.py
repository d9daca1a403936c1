"""Whether batches are packed, and by which attention: rows end to end without padding, or padded to the longest.

Packing is TRL's padding-free layout: a batch has the rows that it would have anyway, as one sequence in which positions
restart with every row and the first label of each is masked; so an optimiser step learns the same with and without.
Bins of several batches' rows (TRL's ``packing``) would need a larger step for the same speed, and learn something else.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from longthought.agents.errors import UsageError
from longthought.train.arguments import attention, use_bf16, use_cpu
from longthought.train.settings import SftSettings


def layout(settings: SftSettings, model: Any) -> tuple[bool, str]:
    """Whether to pack, and the attention implementation for it.

    ``auto`` packs where that has been measured to be faster: on a CPU, or with flash attention on a GPU. With an
    attention of the user's choice, transformers masks the rows of a packed batch from each other by itself.

    Raises:
        UsageError: packing is asked for, and there is no attention that keeps this model's rows apart.
    """
    by_choice = settings.packing == "auto" and settings.attention != "auto"
    # A batch of one row has no padding.
    if settings.packing is False or by_choice or settings.batch == 1:
        return False, attention(settings)
    if settings.attention != "auto":
        return True, settings.attention
    if _flash(settings, model):
        return True, "flash_attention_2"
    rows: Any = import_module("longthought.train.row_attention")
    if rows.rows_suffice(model):
        pack = settings.packing is True or use_cpu(settings)
        return pack, str(rows.ROWS) if pack else attention(settings)
    if settings.packing is True:
        raise UsageError(
            f"packing: {model.config.model_type} attends in windows or otherwise than to all earlier tokens; "
            "set packing: false, or attention: sdpa"
        )
    return False, attention(settings)


def _flash(settings: SftSettings, model: Any) -> bool:
    installed = find_spec("flash_attn") is not None
    return installed and not use_cpu(settings) and use_bf16(settings) and bool(model._supports_flash_attn)
