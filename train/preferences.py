"""From preference rows to token ids, encoded as the engines encode prompts, so that no thought is lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import takewhile
from typing import Any, Literal

from longthought.agents.errors import UsageError
from longthought.agents.models.contract import Message
from longthought.synth.telling.thought_tags import closed
from longthought.synth.tokens.labels import read_messages
from longthought.synth.tokens.row_encoder import RowEncoder
from longthought.train.corpus import Row

_SIDES = ("chosen", "rejected")


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

    What a row says is ``shared`` by both sides goes into the prompt, so that it carries no loss; and a side that is not
    finished (``chosen_finished``, ``rejected_finished``) has no end of a turn.

    Raises:
        UsageError: a row without these, one that the chat template cuts text from, or whose longer side has
            more than ``max_length`` tokens (unless those are dropped).
    """
    datasets: Any = import_module("datasets")
    encoder = RowEncoder(tokenizer)
    columns: dict[str, list[list[int]]] = {"prompt_ids": [], "chosen_ids": [], "rejected_ids": []}
    tokens = dropped = 0
    for row in rows:
        prompt = read_messages(row.content, "prompt", row.where)
        asked = encoder.encode(prompt, add_generation_prompt=True).ids
        (chosen, taken), (rejected, taken_too) = (_encode(encoder, row, prompt, side) for side in _SIDES)
        longest = max(len(chosen), len(rejected))
        if longest > max_length:
            if too_long == "error":
                raise UsageError(
                    f"{row.where}: {longest} tokens are more than max_length {max_length}; "
                    "raise max_length or set too_long: drop"
                )
            dropped += 1
            continue
        if not taken:
            # A template may render the prompt differently once an answer follows.
            taken = taken_too = min(_common(asked, chosen), _common(asked, rejected))
        columns["prompt_ids"].append(chosen[:taken])
        columns["chosen_ids"].append(chosen[taken:])
        columns["rejected_ids"].append(rejected[taken_too:])
        tokens += len(chosen) + len(rejected)
    if not tokens:
        raise UsageError(
            f"corpora: no pairs to train on ({dropped} were longer than max_length {max_length})"
        )
    return TokenisedPairs(datasets.Dataset.from_dict(columns), tokens, dropped)


def _encode(encoder: RowEncoder, row: Row, prompt: Sequence[Message], side: str) -> tuple[list[int], int]:
    """Ids of the prompt and one side, and how many of them are what the row says is shared; 0 where that is nothing."""
    answer = read_messages(row.content, side, row.where)
    text = answer[-1].content
    shared, at = _shared(row, answer[0]), len(prompt)
    cuts: dict[int, list[int]] = {at: [shared]} if shared else {}
    unfinished = row.content.get(f"{side}_finished") is False
    if unfinished:
        # Only beside its other half may the tag of an open thought be a special token, as it is in a whole answer.
        answer[-1] = Message(answer[-1].role, closed(text))
        cuts.setdefault(at + len(answer) - 1, []).append(len(text))
    (encoded,) = encoder.encode_rows([[*prompt, *answer]], [cuts])
    ids: list[int] = encoded.ids.tolist()
    owners, starts = encoded.owners.tolist(), encoded.starts.tolist()
    kept = set(owners)
    if any(m.content and at + i not in kept for i, m in enumerate(answer)):
        raise UsageError(f"{row.where}: the chat template loses a message of `{side}`")
    if unfinished:
        # What follows, the template's end of the turn too, would teach to stop there.
        end = at + len(answer) - 1
        ids = ids[: 1 + max(i for i, owner in enumerate(owners) if owner == end and starts[i] < len(text))]
    if not shared:
        return ids, 0
    # The start of a token that the tokenizer cannot cut is −1.
    own = (i for i, owner in enumerate(owners) if owner == at and not 0 <= starts[i] < shared)
    return ids, next(own, len(ids))


def _shared(row: Row, answer: Message) -> int:
    given: Any = row.content.get("shared") or 0
    if not isinstance(given, int) or not 0 <= given <= len(answer.content):
        raise UsageError(f"{row.where}: `shared` must be a number of characters that both sides begin with")
    return given


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
