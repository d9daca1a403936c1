"""The model and tokenizer to start from: a directory, a hub name, the embedded one, or random weights.

Tokenizer and configuration come first and tell whether the corpus fits them; the weights, which may take minutes to
load, come when everything else has been looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import Any, cast

from longthought.agents.errors import UsageError
from longthought.agents.models.embedded import embedded_path
from longthought.agents.models.local_weights import check_model_source
from longthought.synth.tokens.labels import highest_id
from longthought.synth.tokens.load import explained, load_or_explain, load_tokenizer
from longthought.train.corpus import read_rows
from longthought.train.settings import CorpusSettings, FromScratch, TrainSettings
from longthought.train.tokenizer import train_tokenizer


@dataclass(frozen=True, slots=True)
class Start:
    """``context`` is how many tokens the model has positions for, None where it has no limit; ``weights`` loads it."""

    tokenizer: Any
    context: int | None
    weights: Callable[[], Any]


def find_start(settings: TrainSettings, kind: str = "AutoModelForCausalLM", **options: Any) -> Start:
    """Where ``settings.model`` starts from, its weights in float32.

    Args:
        kind: transformers' class that loads the weights, with ``options``.

    Raises:
        UsageError: there is no such model, its configuration is not one, or its tokenizer does not fit it.
    """
    if isinstance(settings.model, FromScratch):
        model, tokenizer = _from_scratch(settings.model, settings)
        return Start(tokenizer, _context(model.config), lambda: model)
    from transformers import AutoConfig

    source = model_source(settings.model)
    config = load_or_explain(AutoConfig, source).get_text_config()
    tokenizer = load_tokenizer(source)
    if tokenizer.eos_token_id is None:
        raise UsageError(
            f"model: the tokenizer of {source} has no end-of-text token, so nothing would learn to stop; "
            "give its tokenizer_config.json an eos_token"
        )
    if (highest := highest_id(tokenizer)) >= config.vocab_size:
        raise UsageError(
            f"model: the tokenizer of {source} has ids up to {highest}, the model embeddings for ids below "
            f"{config.vocab_size} only; put the tokenizer beside it that it was trained with"
        )

    def weights() -> Any:
        loader: Any = getattr(import_module("transformers"), kind)
        return load_or_explain(loader, source, dtype="float32", **options)

    return Start(tokenizer, _context(config), weights)


def _context(config: Any) -> int | None:
    positions: int | None = getattr(config, "max_position_embeddings", None)
    if not positions:
        return None
    # Stretched rotary positions reach further than those that the model was first trained with; some configurations
    # tell the stretched ones already.
    rope: dict[str, Any] = getattr(config, "rope_parameters", None) or {}
    first = rope.get("original_max_position_embeddings") or positions
    return max(positions, int(first * float(rope.get("factor") or 1)))


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
    learned = start.tokenizer
    texts = _texts(learned.corpora or settings.corpora, learned.rows)
    tokenizer = train_tokenizer(texts, learned.vocab_size, context, learned.digits)
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
    with explained("model.config"), torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model: Any = cast(Any, LlamaForCausalLM)(llama(**fields))
        # What of it does not go together shows where it is used.
        with torch.no_grad():
            model(torch.tensor([[0]]))
    return model, tokenizer


def _texts(corpora: Iterable[CorpusSettings], rows: int) -> Iterable[str]:
    for corpus in corpora:
        for row in islice(read_rows([corpus]), rows):
            messages = row.content.get("messages")
            if not isinstance(messages, list):
                raise UsageError(f"{row.where}: a tokenizer is trained on rows with `messages`")
            yield from (str(message["content"]) for message in cast("list[dict[str, Any]]", messages))
