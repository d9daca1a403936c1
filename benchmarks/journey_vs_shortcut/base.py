"""The base model of all arms: random weights and a format phase on shortcuts of other debates.

O1-Journey part 1 trains in two phases, too: single correct solutions first, long thoughts second (§"Journey learning").
The tokenizer is learned from shortcuts and journeys together, so that no arm has the better one, and has a token for
every number that is common (the variant ``by-digit`` has not).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from benchmarks.journey_vs_shortcut.corpora import base_corpus, tree_corpus
from benchmarks.journey_vs_shortcut.plan import (
    BASE_EPOCHS,
    LEARNING_RATE,
    MODELS,
    OUT,
    TRAINING,
    VOCABULARY,
)
from longthought.train.settings import CorpusSettings, FromScratch, SftSettings, TokenizerSettings
from longthought.train.sft import run_sft


def base(model: str, digits: Literal[1, 3] = 3) -> Path:
    """The directory of the base model, trained now if it is not there; ``digits`` of a number may be one token."""
    both = [CorpusSettings(path=tree_corpus(), kind=kind) for kind in ("shortcut", "journey")]
    words = TokenizerSettings(vocab_size=VOCABULARY, digits=digits, rows=5000, corpora=both)
    settings = SftSettings(
        model=FromScratch(config=MODELS[model], tokenizer=words),
        corpora=[CorpusSettings(path=base_corpus(), kind="shortcut")],
        out=OUT / "models" / (f"{model}-base" if digits == 3 else f"{model}-base-by-digit"),
        learning_rate=LEARNING_RATE[model],
        epochs=BASE_EPOCHS,
        earlier="resume",
        seed=0,
        **TRAINING,
    )
    return run_sft(settings)
