"""How long a row may be: ``max_length`` tokens, or as many as the model has positions for; it is never cut."""

from __future__ import annotations

from typing import Literal

from longthought.agents.errors import UsageError


def fits(
    tokens: int, where: str, max_length: int, context: int | None, too_long: Literal["error", "drop"]
) -> bool:
    """Whether a row of so many tokens is trained on; ``context`` is that of the model, if it has a limit.

    Raises:
        UsageError: it is too long, and such rows are not to be dropped.
    """
    if tokens <= longest(max_length, context):
        return True
    if too_long == "drop":
        return False
    if context is not None and tokens > context:
        raise UsageError(
            f"{where}: {tokens} tokens are more than the {context} that the model has positions for "
            "(max_position_embeddings); take another model or set too_long: drop"
        )
    raise UsageError(
        f"{where}: {tokens} tokens are more than max_length {max_length}; raise max_length or set too_long: drop"
    )


def longest(max_length: int, context: int | None) -> int:
    """The most tokens of a row."""
    return max_length if context is None else min(max_length, context)
