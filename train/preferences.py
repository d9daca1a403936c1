"""From preference rows to token ids, encoded as the engines encode prompts, so that no thought is lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import takewhile
from typing import Any, Literal

from longthought.agents.errors import UsageError
from longthought.agents.models.chat_tokens import ChatEncoder
from longthought.agents.models.contract import Message
from longthought.synth.tokens.labels import read_messages
from longthought.train.corpus import Row


@dataclass(frozen=True, slots=True)
class TokenisedPairs:
    """``dataset`` is a ``datasets.Dataset`` with TRL's columns prompt_ids, chosen_ids and rejected_ids."""

    dataset: Any
    tokens: int
    dropped: int


def tokenise_pairs(
    rows: Iterable[Row], tokenizer: Any, *, max_length: int, too_long: Literal["error", "drop"] = "error"
) -> TokenisedPairs:
    """Encode ``prompt``, ``chosen`` and ``rejected`` (lists of messages) of every row.

    Raises:
        UsageError: a row without these, one that the chat template cuts text from, or whose longer side has
            more than ``max_length`` tokens (unless those are dropped).
    """
    datasets: Any = import_module("datasets")
    encoder = ChatEncoder(tokenizer)
    columns: dict[str, list[list[int]]] = {"prompt_ids": [], "chosen_ids": [], "rejected_ids": []}
    tokens = dropped = 0
    for row in rows:
        prompt = read_messages(row.content, "prompt", row.where)
        asked = encoder.encode(prompt, add_generation_prompt=True).ids
        chosen, rejected = (_encode(encoder, row, prompt, side) for side in ("chosen", "rejected"))
        longest = max(len(chosen), len(rejected))
        if longest > max_length:
            if too_long == "error":
                raise UsageError(
                    f"{row.where}: {longest} tokens are more than max_length {max_length}; "
                    "raise max_length or set too_long: drop"
                )
            dropped += 1
            continue
        # A template may render the prompt differently once an answer follows.
        shared = min(_common(asked, chosen), _common(asked, rejected))
        columns["prompt_ids"].append(chosen[:shared])
        columns["chosen_ids"].append(chosen[shared:])
        columns["rejected_ids"].append(rejected[shared:])
        tokens += len(chosen) + len(rejected)
    if not tokens:
        raise UsageError(
            f"corpora: no pairs to train on ({dropped} were longer than max_length {max_length})"
        )
    return TokenisedPairs(datasets.Dataset.from_dict(columns), tokens, dropped)


def _encode(encoder: ChatEncoder, row: Row, prompt: Sequence[Message], side: str) -> list[int]:
    answer = read_messages(row.content, side, row.where)
    encoded = encoder.encode([*prompt, *answer], add_generation_prompt=False)
    kept = set(encoded.owner)
    if any(m.content and len(prompt) + i not in kept for i, m in enumerate(answer)):
        raise UsageError(f"{row.where}: the chat template loses a message of `{side}`")
    return encoded.ids


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
