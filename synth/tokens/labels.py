"""Loss masks over token ids: what is learned of a row, and the token that ends each learned message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from longthought.agents.errors import UsageError
from longthought.agents.models.chat_tokens import TEMPLATE
from longthought.agents.models.contract import Message
from longthought.synth.derive.rows import MaskedSpan
from longthought.synth.tokens.row_encoder import EncodedRow, Ids

#: The label of a token that carries no loss, as in transformers and TRL.
IGNORED = -100


class Labeller:
    """Labels for the tokens of trained messages and, behind each, the special token that ends it."""

    def __init__(self, tokenizer: Any) -> None:
        # Ids may have gaps, so that the highest is not the number of tokens.
        self._special = np.zeros(highest_id(tokenizer) + 1, dtype=np.bool_)
        added: dict[int, Any] = tokenizer.added_tokens_decoder
        self._special[[index for index, token in added.items() if token.special]] = True
        self._name = str(tokenizer.name_or_path)

    def label(
        self,
        where: str,
        chat: Sequence[Message],
        trained: Sequence[bool],
        masked: Sequence[MaskedSpan],
        row: EncodedRow,
    ) -> Ids:
        """The ids, with ``IGNORED`` in the place of those that carry no loss.

        A message's end is learned unless what stands before it is masked.

        Raises:
            UsageError: nothing is learned, or the template loses a trained message or ends one with no special token.
        """
        wanted = [i for i, (m, t) in enumerate(zip(chat, trained, strict=True)) if t and m.content]
        # The last entry stands for TEMPLATE, which is -1.
        table = np.zeros(len(chat) + 1, dtype=np.bool_)
        table[wanted] = True
        told = table[row.owners]
        following = np.append(row.owners[1:], TEMPLATE - 1)
        ends = np.flatnonzero(told & (row.owners != following))
        if len(ends) < len(wanted):
            raise UsageError(f"{where}: the chat template of {self._name} loses a trained message")
        learned = told.copy()
        for span in masked:
            inside = (row.lasts >= span["start"]) & (row.lasts < span["end"])
            learned &= ~(inside & (row.owners == span["message"]))
        if not learned.any():
            raise UsageError(
                f"{where}: nothing to learn; no assistant message with text is marked as trained"
            )
        for end in ends:
            if not learned[end]:
                continue
            stop = int(end) + 1
            while stop < len(row.ids) and row.owners[stop] == TEMPLATE and not self._special[row.ids[stop]]:
                stop += 1
            if stop == len(row.ids) or row.owners[stop] != TEMPLATE:
                raise UsageError(
                    f"{where}: the chat template of {self._name} ends an assistant message with no "
                    "special token, so a model would not learn to stop"
                )
            learned[end + 1 : stop + 1] = True
        return np.where(learned, row.ids, np.int32(IGNORED))


def highest_id(tokenizer: Any) -> int:
    """The highest id of a tokenizer's vocabulary."""
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    return max(vocabulary.values())


def read_messages(content: Mapping[str, Any], column: str, where: str) -> list[Message]:
    """The chat in a row's ``column``.

    Raises:
        UsageError: it is not a list of objects with role and content.
    """
    given: Any = content.get(column)
    if given is None:
        raise UsageError(
            f"{where}: no `{column}` in it, only {', '.join(content) or 'nothing'}; name a kind of rows that has it"
        )
    try:
        chat = [Message(message["role"], message["content"]) for message in given]
        valid = bool(chat) and all(isinstance(m.content, str) and isinstance(m.role, str) for m in chat)  # pyright: ignore[reportUnnecessaryIsInstance]
    except (TypeError, KeyError):
        chat, valid = [], False
    if not valid:
        raise UsageError(f"{where}: `{column}` must be a list of objects with role and content")
    return chat


def read_trained(content: Mapping[str, Any], chat: Sequence[Message], where: str) -> list[bool]:
    """A row's flags; without any, every assistant message is learned.

    Raises:
        UsageError: not one for each message.
    """
    given: Any = content.get("trained")
    if given is None:
        return [message.role == "assistant" for message in chat]
    flags = cast("list[bool]", given)
    if not isinstance(given, list) or len(flags) != len(chat):
        raise UsageError(f"{where}: `trained` must hold one true or false for each of {len(chat)} messages")
    return flags


def read_masked(content: Mapping[str, Any], chat: Sequence[Message], where: str) -> list[MaskedSpan]:
    """A row's spans without loss.

    Raises:
        UsageError: one that is not within a message.
    """
    given: Any = content.get("masked") or []
    try:
        spans = [
            MaskedSpan(message=int(s["message"]), start=int(s["start"]), end=int(s["end"])) for s in given
        ]
        valid = all(0 <= s["start"] < s["end"] <= len(chat[s["message"]].content) for s in spans)
    except (TypeError, KeyError, ValueError, IndexError):
        spans, valid = [], False
    if not valid:
        raise UsageError(
            f"{where}: `masked` must be a list of objects with message, start and end inside of it"
        )
    return spans


def cuts_of(masked: Sequence[MaskedSpan]) -> dict[int, list[int]]:
    """Of each message, the places at which its mask changes, in order."""
    cuts: dict[int, set[int]] = {}
    for span in masked:
        cuts.setdefault(span["message"], set()).update((span["start"], span["end"]))
    return {message: sorted(places) for message, places in cuts.items()}
