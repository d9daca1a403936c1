"""A tiny Llama with random weights and a byte-level tokenizer, for tests of whatever loads a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

#: Every message is its text and ``<|end|>``; the roles leave no trace, which is all that a random model
#: needs.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'assistant' %}"
    "{% generation %}{{ message.content }}{{ eos_token }}{% endgeneration %}"
    "{% else %}{{ message.content }}{{ eos_token }}{% endif %}"
    "{% endfor %}"
)


def write_random_model(
    path: Path, seed: int = 0, *, layers: int = 2, hidden: int = 64, context: int = 1024
) -> Path:
    """Write model and tokenizer to ``path`` (made if absent) in Hugging Face's format and return it.

    The vocabulary is the 256 bytes, ``<|end|>`` (end of text) and ``<|pad|>``, so any text can be encoded.
    Heads have 32 dimensions, the smallest that vLLM's CPU kernels take; ``hidden`` must be a multiple of 32.
    ``context`` is in tokens.
    """
    import torch
    import transformers

    tokenizer = _byte_tokenizer(context)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 32,
        num_key_value_heads=hidden // 32,
        max_position_embeddings=context,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        tie_word_embeddings=True,
        initializer_range=0.2,
    )
    random: Any = torch.random
    with random.fork_rng(devices=[]):
        random.manual_seed(seed)
        llama: Any = transformers.LlamaForCausalLM
        model = llama(config)
    path.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def _byte_tokenizer(context: int) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer: Any = Tokenizer(models.BPE(vocab={byte: i for i, byte in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|end|>", "<|pad|>"])
    fast: Any = PreTrainedTokenizerFast
    return fast(
        tokenizer_object=tokenizer,
        eos_token="<|end|>",
        pad_token="<|pad|>",
        chat_template=CHAT_TEMPLATE,
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )
