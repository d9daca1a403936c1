"""Tiny process reward models with random weights, laid out as the published ones are, for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")
transformers: Any = pytest.importorskip("transformers")

#: Heads have 32 dimensions, the smallest that vLLM's CPU kernels take; two of them share keys and values.
_SIZES: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,
}
#: ChatML as Qwen2.5's tokenizers have it.
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<extra_0>"]


def write_tokenizer(path: Path, *, bos: bool) -> Any:
    """Bytes, the special tokens, and ``ки`` as one token; with ``bos`` every text begins with ``<|endoftext|>``."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {byte: at for at, byte in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    splitter: Any = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    one, two, three, four = splitter.pre_tokenize_str("ки")[0][0]
    merges = [(one, two), (three, four), (one + two, three + four)]
    for left, right in merges:
        vocabulary[left + right] = len(vocabulary)
    raw: Any = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    raw.pre_tokenizer, raw.decoder = splitter, decoders.ByteLevel()
    raw.add_special_tokens(_SPECIAL)
    if bos:
        from tokenizers.processors import TemplateProcessing

        begin = "<|endoftext|>"
        raw.post_processor = TemplateProcessing(
            single=f"{begin} $A", special_tokens=[(begin, raw.token_to_id(begin))]
        )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token="<|endoftext|>" if bos else None,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=_TEMPLATE,
    )
    tokenizer.save_pretrained(path)
    return tokenizer


def write_qwen(path: Path) -> tuple[Any, Any]:
    """As Qwen2.5-Math-PRM: wants remote code, ``score.0`` and ``score.2``. The base model, and the head as a module."""
    tokenizer = write_tokenizer(path, bos=False)
    torch.manual_seed(1)
    base = _random(transformers.Qwen2Model, transformers.Qwen2Config, tokenizer)
    head = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))
    _save(path, base, {f"score.{name}": value for name, value in head.state_dict().items()})
    code = {"AutoConfig": "missing.RMConfig", "AutoModel": "missing.Qwen2ForProcessRewardModel"}
    _configure(path, base, architectures=["Qwen2ForProcessRewardModel"], auto_map=code)
    return base, head.eval()


def write_skywork(path: Path) -> tuple[Any, Any]:
    """As Skywork-o1-Open-PRM: ``v_head.summary`` beside a causal language model. Base model and head."""
    tokenizer = write_tokenizer(path, bos=True)
    torch.manual_seed(2)
    base = _random(transformers.Qwen2Model, transformers.Qwen2Config, tokenizer)
    head = torch.nn.Linear(64, 1)
    _save(path, base, {f"v_head.summary.{name}": value for name, value in head.state_dict().items()})
    _configure(path, base, architectures=["Qwen2ForPrmModel"])
    return base, head.eval()


def write_math_shepherd(path: Path) -> Any:
    """As math-shepherd-mistral-7b-prm: a causal language model. It."""
    tokenizer = write_tokenizer(path, bos=True)
    torch.manual_seed(3)
    model = _random(
        transformers.MistralForCausalLM, transformers.MistralConfig, tokenizer, sliding_window=400
    )
    model.save_pretrained(path)
    return model


def write_longthought(path: Path, context: int = 512) -> Any:
    """As ``train prm`` leaves it: a token classification head. The model."""
    tokenizer = write_tokenizer(path, bos=False)
    torch.manual_seed(4)
    sizes = {"max_position_embeddings": context, "num_labels": 2}
    model = _random(transformers.LlamaForTokenClassification, transformers.LlamaConfig, tokenizer, **sizes)
    model.save_pretrained(path)
    return model


def _random(model: Any, config: Any, tokenizer: Any, **sizes: Any) -> Any:
    return model(config(vocab_size=len(tokenizer), **{**_SIZES, **sizes})).eval()


def _save(path: Path, base: Any, head: dict[str, Any]) -> None:
    from safetensors import torch as safetensors

    weights = {f"model.{name}": value for name, value in base.state_dict().items()} | head
    files: Any = safetensors
    files.save_file(weights, path / "model.safetensors", metadata={"format": "pt"})


def _configure(path: Path, base: Any, **more: Any) -> None:
    base.config.save_pretrained(path)
    file = path / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | more))
