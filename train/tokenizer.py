"""A tokenizer trained on a corpus: byte-level BPE over whole lines of text, numbers apart from everything else.

Text is cut at numbers only, so a phrase that always reads the same (an instruction, a cue) can become one token, while
numbers are spelt digit by digit, or in twos or threes. The 256 bytes are in the vocabulary, so every string
decodes back exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from longthought.agents.errors import UsageError
from longthought.agents.models.random_model import CHAT_TEMPLATE

END, PAD = "<|end|>", "<|pad|>"


def train_tokenizer(texts: Iterable[str], vocab_size: int, context: int, digits: int = 1) -> Any:
    """A ``PreTrainedTokenizerFast`` learned from ``texts``, the same for the same texts.

    ``<|end|>`` ends every message (and is the end-of-text token), ``<|pad|>`` only pads. The chat template
    writes a message as its text and ``<|end|>``, without its role: seats are told apart by their cues.

    Args:
        vocab_size: tokens at most; fewer where the texts hold no more pairs that occur twice.
        context: ``model_max_length``, in tokens.
        digits: of a number that a token may hold; longer ones are cut from the left, so 1234 is 123 and 4.

    Raises:
        UsageError: ``vocab_size`` leaves no room for the bytes and the two special tokens.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    alphabet = pre_tokenizers.ByteLevel.alphabet()
    if vocab_size < len(alphabet) + 2:
        raise UsageError(
            f"model.tokenizer.vocab_size: {vocab_size} is too small, give at least {len(alphabet) + 2}"
        )
    tokenizer: Any = Tokenizer(models.BPE())
    numbers: Any = pre_tokenizers.Digits(individual_digits=True)
    if digits > 1:
        numbers = pre_tokenizers.Split(cast("Any", Regex)(rf"\p{{N}}{{1,{digits}}}"), "isolated")
    byte_level: Any = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([numbers, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    trainer: Any = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        show_progress=False,
        special_tokens=[END, PAD],
        initial_alphabet=sorted(alphabet),
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast: Any = PreTrainedTokenizerFast
    return fast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        chat_template=CHAT_TEMPLATE,
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )
