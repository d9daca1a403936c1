"""What a model learns to end its answers with, so that whoever asks it stops there: its chat template's token for that.

A tokenizer's end of text may be another one: base models of Qwen2.5 have ``<|endoftext|>``, their template
``<|im_end|>``.
"""

from __future__ import annotations

from typing import Any, cast

from longthought.agents.models.chat_tokens import ChatEncoder
from longthought.agents.models.contract import Message

_CHAT = (Message("user", "?"), Message("assistant", "!"))


def stop_at_turn_end(model: Any, tokenizer: Any) -> None:
    """Add that token to those at which ``model`` stops when it generates, if it does and they lack it."""
    end = turn_end(tokenizer)
    if end is None or not model.can_generate():
        return
    configured: Any = model.generation_config.eos_token_id
    given = cast("list[int | None]", configured if isinstance(configured, list) else [configured])
    if end not in given:
        model.generation_config.eos_token_id = [*(token for token in given if token is not None), end]


def turn_end(tokenizer: Any) -> int | None:
    """The first special token behind an answer; None where there is none, or no chat template."""
    if not tokenizer.chat_template:
        return None
    chat = ChatEncoder(tokenizer).encode(_CHAT, add_generation_prompt=False)
    special = {index for index, token in tokenizer.added_tokens_decoder.items() if token.special}
    answer = max((at for at, owner in enumerate(chat.owner) if owner == 1), default=len(chat.ids))
    return next((token for token in chat.ids[answer + 1 :] if token in special), None)
