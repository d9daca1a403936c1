"""The model and tokenizer to start from: a directory, a hub name, the embedded one, or random weights."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from itertools import islice
from typing import Any, cast

from longthought.agents.errors import UsageError
from longthought.agents.models.embedded import embedded_path
from longthought.agents.models.local_weights import check_model_source
from longthought.synth.tokens.load import load_or_explain, load_tokenizer
from longthought.train.corpus import read_rows
from longthought.train.settings import CorpusSettings, FromScratch, TrainSettings
from longthought.train.tokenizer import train_tokenizer


def load_start(settings: TrainSettings) -> tuple[Any, Any]:
    """Model (float32 weights) and tokenizer for ``settings.model``.

    Raises:
        UsageError: there is no such model, or its configuration is not one.
    """
    if isinstance(settings.model, FromScratch):
        return _from_scratch(settings.model, settings)
    from transformers import AutoModelForCausalLM

    source = model_source(settings.model)
    loader: Any = AutoModelForCausalLM
    model = load_or_explain(loader, source, dtype="float32")
    return model, load_tokenizer(source)


def model_source(model: str) -> str:
    """A directory or hub name; ``embedded`` is the model that comes with the package."""
    return str(embedded_path("lm")) if model == "embedded" else check_model_source(model)


def _from_scratch(start: FromScratch, settings: TrainSettings) -> tuple[Any, Any]:
    torch: Any = import_module("torch")
    from transformers import LlamaConfig, LlamaForCausalLM

    known = set(LlamaConfig().to_dict())
    for key in start.config:
        if key not in known:
            raise UsageError(f"model.config.{key}: LlamaConfig has no such field")
    context = start.config.get("max_position_embeddings", 2048)
    tokenizer = train_tokenizer(
        _texts(settings.corpora, start.tokenizer.rows), start.tokenizer.vocab_size, context
    )
    llama: Any = LlamaConfig
    fields = {
        "max_position_embeddings": context,
        "tie_word_embeddings": True,
        **start.config,
        "vocab_size": len(tokenizer),
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": None,
    }
    try:
        config = llama(**fields)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            model: Any = cast(Any, LlamaForCausalLM)(config)
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise UsageError(f"model.config: {str(error).strip().partition(chr(10))[0]}") from error
    return model, tokenizer


def _texts(corpora: Iterable[CorpusSettings], rows: int) -> Iterable[str]:
    for corpus in corpora:
        for row in islice(read_rows([corpus]), rows):
            messages = row.content.get("messages")
            if not isinstance(messages, list):
                raise UsageError(f"{row.where}: a tokenizer is trained on rows with `messages`")
            yield from (str(message["content"]) for message in cast("list[dict[str, Any]]", messages))
