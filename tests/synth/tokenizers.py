"""Four tokenizers unlike each other, which can all encode any text."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import orjson

from longthought.agents.models.random_model import CHAT_TEMPLATE
from longthought.synth.telling.phrases import load_phrases

END, PAD = "<|end|>", "<|pad|>"


@cache
def embedded() -> Any:
    """Byte-level BPE whose tokens reach over line breaks; the one of the embedded model."""
    from transformers import AutoTokenizer

    loader: Any = AutoTokenizer
    return loader.from_pretrained(str(resources.files("longthought.agents.embedded") / "lm"))


@cache
def sentencepiece() -> Any:
    """BPE with white space as ▁, a ▁ in front of every text, and bytes for what it does not know, as Llama 2 has it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer: Any = Tokenizer(models.BPE())
    # Not split at spaces, so that tokens reach over words and lines.
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    trainer: Any = trainers.BpeTrainer(vocab_size=600, show_progress=False, special_tokens=[END, PAD])
    tokenizer.train_from_iterator(_texts(), trainer)
    state = orjson.loads(tokenizer.to_str())
    vocabulary = state["model"]["vocab"]
    for byte in range(256):
        vocabulary.setdefault(f"<0x{byte:02X}>", len(vocabulary))
    state["model"]["byte_fallback"] = True
    tokenizer = Tokenizer.from_str(orjson.dumps(state).decode())
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return _fast(PreTrainedTokenizerFast, tokenizer)


@cache
def with_added_tokens() -> Any:
    """Byte-level BPE with added tokens: thought tags, one across a line break, and one that swallows white space."""
    from tokenizers import AddedToken

    from longthought.train.tokenizer import train_tokenizer

    tokenizer = train_tokenizer(_texts(), 500, 4096)
    special = [AddedToken("<think>", special=True), AddedToken("</think>", special=True)]
    tokenizer.add_tokens([*special, AddedToken("\nHold on,"), AddedToken("Hmm,", lstrip=True, rstrip=True)])
    return tokenizer


@cache
def by_lines() -> Any:
    """Byte-level BPE whose tokens end where lines end, as those of Qwen and Llama 3 do."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer: Any = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\n+"), "merged_with_previous"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer: Any = trainers.BpeTrainer(
        vocab_size=500, show_progress=False, special_tokens=[END, PAD], initial_alphabet=alphabet
    )
    tokenizer.train_from_iterator(_texts(), trainer)
    return _fast(PreTrainedTokenizerFast, tokenizer)


TOKENIZERS = {
    "embedded": embedded,
    "sentencepiece": sentencepiece,
    "added": with_added_tokens,
    "lines": by_lines,
}


def _texts() -> list[str]:
    """Lines like those of journeys, often enough for tokens that reach over line breaks."""
    bank = load_phrases()
    phrases = [phrase for field in type(bank).model_fields for phrase in getattr(bank, field)]
    return [f"{i} + {i + 3} = {2 * i + 3}\n{p}\nanswer: {i}\n" for i in range(20) for p in phrases]


def _fast(kind: Any, tokenizer: Any) -> Any:
    return kind(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        chat_template=CHAT_TEMPLATE,
        model_max_length=4096,
        clean_up_tokenization_spaces=False,
    )
