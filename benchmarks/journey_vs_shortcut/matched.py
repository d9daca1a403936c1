"""How many rows an arm gets: as many as the journeys, or as many as hold the journeys' tokens."""

from __future__ import annotations

import json
from functools import cache
from itertools import accumulate
from pathlib import Path

from benchmarks.journey_vs_shortcut.corpora import tree_corpus
from benchmarks.journey_vs_shortcut.plan import ARMS, EPOCHS, MAX_LENGTH, OUT, Cell
from longthought.scenarios.replace_file import replace_file
from longthought.synth.tokens.load import load_tokenizer
from longthought.train.corpus import read_rows
from longthought.train.settings import CorpusSettings
from longthought.train.tokenise import tokenise_rows


def share(cell: Cell, model: Path) -> tuple[int, float]:
    """Rows from the corpus's beginning, and passes over them.

    At equal tokens an arm of shorter rows gets more of them, told from debates that the journeys of this size do not
    reach; where the corpus ends before the tokens do, it gets more passes over all of it.
    """
    passes = float(EPOCHS[cell.size])
    if cell.equal == "examples":
        return cell.size, passes
    lengths = _lengths(str(model))
    wanted = sum(lengths["journey"][: cell.size])
    for rows, tokens in enumerate(accumulate(lengths[cell.arm]), start=1):
        if tokens >= wanted:
            return rows, passes
    return len(lengths[cell.arm]), passes * wanted / sum(lengths[cell.arm])


@cache
def _lengths(model: str) -> dict[str, list[int]]:
    """Tokens of every row by arm; the tokenizer is the same for all models."""
    file = OUT / "lengths.json"
    if not file.is_file():
        tokenizer = load_tokenizer(model)
        found = {arm: _arm(arm, tokenizer) for arm in ARMS}
        replace_file(file, json.dumps(found))
    counted: dict[str, list[int]] = json.loads(file.read_bytes())
    return counted


def _arm(arm: str, tokenizer: object) -> list[int]:
    rows = read_rows([CorpusSettings(path=tree_corpus(), kind=arm)])
    lengths: list[int] = tokenise_rows(rows, tokenizer, max_length=10 * MAX_LENGTH).dataset["length"][:]
    return lengths
