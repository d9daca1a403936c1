"""From preference rows to token ids, encoded as the engines encode prompts, so that no thought is lost.

With ``part: thought`` the sides end where their thoughts end, as in STILL-2 (Min et al. 2024, arXiv 2412.09413, DPO of
the self-improvement), however whole the rows are. What is cut off stands behind all that is learned, so that leaving it
out and masking it are the same. Departure: an SFT term then covers the chosen thought alone, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import takewhile
from typing import Any, Literal

from longthought.agents.errors import UsageError
from longthought.agents.models.contract import Message
from longthought.synth.telling.thought_tags import closed, frame
from longthought.synth.tokens.labels import read_messages
from longthought.synth.tokens.row_encoder import RowEncoder
from longthought.train.corpus import Row
from longthought.train.row_length import fits, longest

_SIDES = ("chosen", "rejected")
Part = Literal["whole", "thought"]


@dataclass(frozen=True, slots=True)
class TokenisedPairs:
    """``dataset`` is a ``datasets.Dataset`` with TRL's columns prompt_ids, chosen_ids and rejected_ids, and ``length``.

    ``length`` is that of the longer side, its prompt included: what both are padded to.
    ``dropped`` counts the pairs that were too long, ``equal`` those whose sides are the same in what is learned.
    """

    dataset: Any
    tokens: int
    dropped: int
    equal: int


def tokenise_pairs(
    rows: Iterable[Row],
    tokenizer: Any,
    *,
    max_length: int,
    context: int | None = None,
    too_long: Literal["error", "drop"] = "error",
    part: Part = "whole",
) -> TokenisedPairs:
    """Encode ``prompt``, ``chosen`` and ``rejected`` (lists of messages) of every row.

    What a row says is ``shared`` by both sides goes into the prompt, so that it carries no loss; and a side that is not
    finished (``chosen_finished``, ``rejected_finished``) has no end of a turn. Equal sides prefer nothing, so such
    pairs are left out and counted.

    Raises:
        UsageError: a row without these, one that the chat template cuts text from, a side in which nothing is learned,
            or whose longer side has more than ``max_length`` tokens or the model's ``context`` (unless those are
            dropped); or no pair is left.
    """
    datasets: Any = import_module("datasets")
    encoder = RowEncoder(tokenizer)
    columns: dict[str, list[list[int]]] = {"prompt_ids": [], "chosen_ids": [], "rejected_ids": []}
    lengths: list[int] = []
    tokens = dropped = equal = 0
    for row in rows:
        prompt = read_messages(row.content, "prompt", row.where)
        asked = encoder.encode(prompt, add_generation_prompt=True).ids
        (chosen, taken), (rejected, taken_too) = (
            encode_answer(encoder, row, prompt, side, part) for side in _SIDES
        )
        if not fits(max(len(chosen), len(rejected)), row.where, max_length, context, too_long):
            dropped += 1
            continue
        if chosen == rejected:
            equal += 1
            continue
        if not taken:
            # A template may render the prompt differently once an answer follows.
            taken = taken_too = min(common(asked, chosen), common(asked, rejected))
        if taken == len(chosen) or taken_too == len(rejected):
            raise UsageError(
                f"{row.where}: nothing to learn in `{_SIDES[taken != len(chosen)]}`, all of which is shared; leave the "
                "row out"
            )
        columns["prompt_ids"].append(chosen[:taken])
        columns["chosen_ids"].append(chosen[taken:])
        columns["rejected_ids"].append(rejected[taken_too:])
        lengths.append(max(len(chosen), len(rejected)))
        tokens += len(chosen) + len(rejected)
    if not tokens:
        raise UsageError(
            f"corpora: no pairs to train on: of {equal} both sides are equal, and {dropped} are longer than "
            f"{longest(max_length, context)} tokens; export pairs that differ"
        )
    return TokenisedPairs(datasets.Dataset.from_dict({**columns, "length": lengths}), tokens, dropped, equal)


def encode_answer(
    encoder: RowEncoder, row: Row, prompt: Sequence[Message], side: str, part: Part = "whole"
) -> tuple[list[int], int]:
    """Ids of the prompt and one side, and how many of them are what the row says is shared; 0 where that is nothing.

    Raises:
        UsageError: no such column, no text in it, or a message of it that the chat template loses.
    """
    answer = read_messages(row.content, side, row.where)
    if not answer[-1].content:
        raise UsageError(
            f"{row.where}: nothing to learn in `{side}`, whose last message is empty; leave the row out"
        )
    if part == "thought":
        answer[-1] = Message(answer[-1].role, _thought(answer[-1].content, f"{row.where}: `{side}`"))
    text = answer[-1].content
    shared, at = _shared(row, answer[0]), len(prompt)
    cuts: dict[int, list[int]] = {at: [shared]} if shared else {}
    unfinished = part == "thought" or row.content.get(f"{side}_finished") is False
    if unfinished:
        # Only beside its other half may the tag of an open thought be a special token, as it is in a whole answer.
        answer[-1] = Message(answer[-1].role, closed(text))
        cuts.setdefault(at + len(answer) - 1, []).append(len(text))
    (encoded,) = encoder.encode_rows([[*prompt, *answer]], [cuts])
    ids: list[int] = encoded.ids.tolist()
    owners, lasts = encoded.owners.tolist(), encoded.lasts.tolist()
    kept = set(owners)
    if any(m.content and at + i not in kept for i, m in enumerate(answer)):
        raise UsageError(f"{row.where}: the chat template loses a message of `{side}`")
    if unfinished:
        # What follows, the template's end of the turn too, would teach to stop there.
        end = at + len(answer) - 1
        ids = ids[: 1 + max(i for i, owner in enumerate(owners) if owner == end and lasts[i] < len(text))]
    if not shared:
        return ids, 0
    own = (i for i, owner in enumerate(owners) if owner == at and lasts[i] >= shared)
    return ids, next(own, len(ids))


def _thought(text: str, where: str) -> str:
    """A message up to where its thought ends; all of it where the thought goes on."""
    tags = frame(closed(text))
    if not tags:
        raise UsageError(f"{where} holds no thought in known tags; set part: whole")
    return text[: tags[1][0]].rstrip()


def _shared(row: Row, answer: Message) -> int:
    given: Any = row.content.get("shared") or 0
    if not isinstance(given, int) or not 0 <= given <= len(answer.content):
        raise UsageError(f"{row.where}: `shared` must be a number of characters that both sides begin with")
    return given


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
