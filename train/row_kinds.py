"""Which rows go to which trainer, told by their columns: a wrong corpus is refused before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from longthought.agents.errors import UsageError
from longthought.synth.labelled.read import FORMATS
from longthought.train.corpus import first_row
from longthought.train.settings import CorpusSettings


@dataclass(frozen=True, slots=True)
class _Kind:
    """Rows with these ``columns``, the trainers that take them, and the kinds of an export that have them."""

    columns: frozenset[str]
    called: str
    trainers: Sequence[str]
    exported: str = ""


_STEPS, _OUTCOMES = FORMATS["stepwise"][0], FORMATS["outcomes"][0]
#: The first that fits is what a row is.
_KINDS = (
    _Kind(frozenset({"prompt", "chosen", "rejected"}), "pairs", ("dpo",), "preference or step_preference"),
    _Kind(frozenset({"prompt", "completion", "label"}), "judged answers", ("kto",), "kto"),
    _Kind(_STEPS, "step labels", ("prm", "orm"), "step_labels"),
    _Kind(_OUTCOMES, "outcome labels", ("orm",), "outcome_labels"),
    _Kind(frozenset({"messages"}), "chats", ("sft", "critic"), "journey, or another with `messages`,"),
    _Kind(frozenset({"input_ids", "labels"}), "token ids", ("sft", "critic")),
    *(
        _Kind(columns, "labelled solutions", ("prm", "orm"))
        for columns, _ in FORMATS.values()
        if columns not in (_STEPS, _OUTCOMES)
    ),
)


def check_kinds(corpora: Iterable[CorpusSettings], trainer: str) -> None:
    """Look at the first row of each corpus.

    Raises:
        UsageError: a corpus without rows, or with rows that are for another trainer.
    """
    for corpus in corpora:
        row = first_row(corpus)
        found = next((kind for kind in _KINDS if kind.columns <= row.content.keys()), None)
        if found is not None and trainer in found.trainers:
            continue
        wanted = next(kind for kind in _KINDS if trainer in kind.trainers)
        these = (
            f"these are {found.called}, for `longthought train {found.trainers[0]}`"
            if found is not None
            else f"no trainer takes rows with the columns {', '.join(row.content) or 'none'}"
        )
        raise UsageError(
            f"{row.where}: {these}; `train {trainer}` takes {wanted.called}: export the kind {wanted.exported} "
            "and name it under `corpora`"
        )
