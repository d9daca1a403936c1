"""The base model of all arms: random weights and a format phase on shortcuts of other debates.

O1-Journey part 1 trains in two phases, too: single correct solutions first, long thoughts second (§"Journey learning").
The tokenizer is learned from shortcuts and journeys together, so that no arm has the better one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.journey_vs_shortcut.corpora import base_corpus, errant_corpus
from benchmarks.journey_vs_shortcut.plan import (
    BASE_EPOCHS,
    BASE_LEARNING_RATE,
    MAX_LENGTH,
    MODELS,
    OUT,
    TRAINING,
    VOCABULARY,
)
from longthought.train.corpus import read_rows
from longthought.train.settings import CorpusSettings, SftSettings
from longthought.train.sft import run_sft
from longthought.train.tokenizer import train_tokenizer

_ROWS = 5000


def base(model: str) -> Path:
    """The directory of the base model, trained now if it is not there."""
    out = OUT / "models" / f"{model}-base"
    if out.is_dir():
        return out
    settings = SftSettings(
        model=str(_random(model)),
        corpora=[CorpusSettings(path=base_corpus(), kind="shortcut")],
        out=out,
        learning_rate=BASE_LEARNING_RATE,
        epochs=BASE_EPOCHS,
        seed=0,
        **TRAINING,
    )
    return run_sft(settings)


def _random(name: str) -> Path:
    """Random weights with the tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    out = OUT / "models" / f"{name}-random"
    corpora = [
        CorpusSettings(path=errant_corpus(), kind=kind, limit=_ROWS) for kind in ("shortcut", "journey")
    ]
    texts = (message["content"] for row in read_rows(corpora) for message in row.content["messages"])
    tokenizer = train_tokenizer(texts, VOCABULARY, MAX_LENGTH)
    torch.manual_seed(0)
    config: Any = LlamaConfig
    special = {
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": None,
    }
    model: Any = LlamaForCausalLM(config(**MODELS[name], **special, vocab_size=len(tokenizer)))
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out
