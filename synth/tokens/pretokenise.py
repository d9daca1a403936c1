"""Rows as token ids, for trainers that take them as they are: no template of theirs can drop a thought.

They have TRL's columns ``input_ids`` and ``labels``, which is −100 where nothing is learned.
"""

from __future__ import annotations

from typing import Any

from longthought.synth.derive.rows import Row, SftRow
from longthought.synth.tokens.labels import Labeller, cuts_of, read_masked, read_messages, read_trained
from longthought.synth.tokens.load import digest_of
from longthought.synth.tokens.row_encoder import RowEncoder


class TokenRow(Row):
    """A chat's token ids and labels, both of the same length; ``tokenizer`` is the digest of the one they are of."""

    tokenizer: str
    input_ids: list[int]
    labels: list[int]


class Pretokeniser:
    """Turns rows into token ids for one tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self._encoder, self._labeller = RowEncoder(tokenizer), Labeller(tokenizer)
        self._digest = digest_of(tokenizer)

    def row(self, row: SftRow) -> TokenRow:
        """The row as token ids.

        Raises:
            UsageError: nothing to learn, or text that the chat template loses.
        """
        where = f"row {row.id}"
        content = vars(row)
        chat = read_messages(content, "messages", where)
        masked = read_masked(content, chat, where)
        (tokens,) = self._encoder.encode_rows([chat], [cuts_of(masked)])
        labels = self._labeller.label(where, chat, read_trained(content, chat, where), masked, tokens)
        return TokenRow(
            **_origin(row),
            tokenizer=self._digest,
            input_ids=tokens.ids.tolist(),
            labels=labels.tolist(),
        )


def _origin(row: Row) -> dict[str, Any]:
    """The columns that every row has."""
    return {name: getattr(row, name) for name in Row.model_fields}
