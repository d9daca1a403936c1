"""The measurement of the rewriter's check, small: made-up prose only, which is there on any machine."""

from __future__ import annotations

from itertools import islice
from random import Random

import pytest

from benchmarks.rewrite_drafts import prose
from benchmarks.rewrite_losses import LOSSES, Loss, plant
from benchmarks.rewrite_paraphrases import paraphrase, written
from longthought.synth.rewrite.fidelity import check

SEED = 4


def test_faithful_paraphrases_are_let_pass() -> None:
    random = Random(SEED)
    drafts = list(islice(prose(random, SEED), 20))
    refused = [
        found
        for draft in drafts
        if (found := check(draft.pieces, draft.answer, written(paraphrase(draft, random), random)).complaints)
    ]
    assert len(refused) <= 1, refused


@pytest.mark.parametrize("loss", LOSSES)
def test_planted_losses_are_caught(loss: Loss) -> None:
    random = Random(SEED)
    missed: list[str] = []
    for draft in islice(prose(random, SEED), 20):
        planted = plant(loss, draft, paraphrase(draft, random), random)
        if planted is None:
            continue
        told, what = planted
        if not check(draft.pieces, draft.answer, written(told, random)).complaints:
            missed.append(what)
    assert len(missed) <= 1, missed
