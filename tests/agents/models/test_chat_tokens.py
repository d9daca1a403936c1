"""Prompts are what the chat template makes of them, and no message can add to its special tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from longthought.agents.errors import FatalModelError, UsageError
from longthought.agents.models.chat_tokens import TEMPLATE, ChatEncoder, plain_messages
from longthought.agents.models.contract import Message, ToolMessage

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
STRIPPED = "<s>{% for m in messages %}[INST] {{ m.content | trim }} [/INST]{% endfor %}"
WITHOUT_SYSTEM = "{% for m in messages if m.role != 'system' %}{{ m.content }}<|im_end|>{% endfor %}"
SHOUTED = "{% for m in messages %}{{ m.content | upper }}<|im_end|>{% endfor %}"
STRICT = "{% if messages[0].role != 'user' %}{{ raise_exception('user first') }}{% endif %}x"
MARKERS = ("<|im_start|>", "<|im_end|>", "<s>", "</think>")


def bpe(template: str | None) -> Any:
    """A byte-level BPE with merges, three special tokens, and one added token that is not special."""
    tokenizer: Any = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(MARKERS[:3]),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(
        ["the user thinks: start, end; im a system | of </thin thoughts\n\n"] * 9, trainer
    )
    tokenizer.add_tokens([AddedToken("</think>", normalized=False)])
    fast: Any = PreTrainedTokenizerFast
    return fast(tokenizer_object=tokenizer, eos_token="<|im_end|>", chat_template=template)


def plain_ids(tokenizer: Any, messages: list[Message], *, prompt: bool) -> list[int]:
    chat = [{"role": m.role, "content": m.content} for m in messages]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=prompt)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def markers_in(tokenizer: Any, ids: list[int]) -> list[str]:
    added = tokenizer.get_added_vocab().values()
    return [tokenizer.convert_ids_to_tokens(i) for i in ids if i in added]


tokenizer = bpe(CHATML)
encoder = ChatEncoder(tokenizer)
roles = st.sampled_from(["system", "user", "assistant"])
benign = st.text().filter(lambda text: not any(marker in text for marker in MARKERS))
pieces_of_markers = st.lists(
    st.sampled_from([*MARKERS, "<|", "im_end", "|>", "</th", "ink>", "<", ">", "s", "é"])
)


@given(st.lists(st.builds(Message, roles, benign), min_size=1), st.booleans())
@settings(max_examples=150, deadline=None)
def test_benign_text_is_encoded_as_apply_chat_template_does(messages: list[Message], prompt: bool) -> None:
    assert encoder.encode(messages, add_generation_prompt=prompt).ids == plain_ids(
        tokenizer, messages, prompt=prompt
    )


@given(st.lists(st.builds(Message, roles, st.text() | pieces_of_markers.map("".join)), min_size=1))
@example([Message("system", "\n")])
@example([Message("user", "\n\n<s>"), Message("assistant", "\n\n\nx")])
@settings(max_examples=150, deadline=None)
def test_no_text_adds_a_special_token_and_none_is_lost(messages: list[Message]) -> None:
    chat = encoder.encode(messages, add_generation_prompt=True)
    assert markers_in(tokenizer, chat.ids) == ["<|im_start|>", "<|im_end|>"] * len(messages) + [
        "<|im_start|>"
    ]
    shown = [{"role": message.role, "content": message.content} for message in messages]
    rendered = tokenizer.apply_chat_template(shown, tokenize=False, add_generation_prompt=True)
    assert tokenizer.decode(chat.ids) == rendered
    for index, message in enumerate(messages):
        own = tokenizer.decode([i for i, owner in zip(chat.ids, chat.owner, strict=True) if owner == index])
        # A line break at its beginning may be of one token with the template's own before it.
        assert message.content in (own, f"\n{own}")


def test_the_owner_of_each_token() -> None:
    chat = encoder.encode(
        [Message("user", "hi"), Message("assistant", " there\n")], add_generation_prompt=False
    )
    own = [(owner, tokenizer.decode([i])) for i, owner in zip(chat.ids, chat.owner, strict=True)]
    assert "".join(text for owner, text in own if owner == 0) == "hi"
    assert "".join(text for owner, text in own if owner == 1) == " there\n"
    assert own[0] == (TEMPLATE, "<|im_start|>")
    assert own[-2:] == [(TEMPLATE, "<|im_end|>"), (TEMPLATE, "\n")]


@pytest.mark.parametrize("text", ["  two \n", "two", " ", "", "\ttwo"])
def test_a_template_that_strips_is_followed(text: str) -> None:
    tokenizer = bpe(STRIPPED)
    messages = [Message("user", text), Message("user", "more")]
    chat = ChatEncoder(tokenizer).encode(messages, add_generation_prompt=True)
    assert chat.ids == plain_ids(tokenizer, messages, prompt=True)
    assert (
        tokenizer.decode([i for i, owner in zip(chat.ids, chat.owner, strict=True) if owner == 0]).strip()
        == text.strip()
    )


@pytest.mark.parametrize("template", [WITHOUT_SYSTEM, SHOUTED])
def test_a_template_that_loses_a_text_is_followed_without_owners(template: str) -> None:
    tokenizer = bpe(template)
    messages = [Message("system", "secret"), Message("user", "hi")]
    chat = ChatEncoder(tokenizer).encode(messages, add_generation_prompt=True)
    assert chat.ids == plain_ids(tokenizer, messages, prompt=True)
    assert set(chat.owner) == {TEMPLATE}


def test_a_lost_text_cannot_bring_special_tokens_back() -> None:
    tokenizer = bpe(SHOUTED.replace("upper", "replace('Text', '')"))
    chat = ChatEncoder(tokenizer).encode([Message("user", "a<|im_end|>b")], add_generation_prompt=True)
    assert markers_in(tokenizer, chat.ids) == ["<|im_end|>"]


def test_a_special_token_spelled_across_two_messages_stays_text() -> None:
    tokenizer = bpe("{% for m in messages %}{{ m.content }}{% endfor %}")
    chat = ChatEncoder(tokenizer).encode(
        [Message("user", "<|im_"), Message("user", "end|>")], add_generation_prompt=True
    )
    assert markers_in(tokenizer, chat.ids) == []
    assert tokenizer.decode(chat.ids) == "<|im_end|>"


def test_half_a_surrogate_pair_is_replaced() -> None:
    chat = encoder.encode([Message("user", "a\ud800b")], add_generation_prompt=False)
    assert "a?b" in tokenizer.decode(chat.ids)


def test_the_embedded_kind_of_tokenizer(random_model: Path) -> None:
    loader: Any = AutoTokenizer
    tokenizer = loader.from_pretrained(random_model)
    messages = [Message("user", "3 4 5"), Message("assistant", "3+4=7 [7 5]")]
    chat = ChatEncoder(tokenizer).encode(messages, add_generation_prompt=True)
    assert chat.ids == plain_ids(tokenizer, messages, prompt=True)
    assert chat.owner == [0] * 5 + [TEMPLATE] + [1] * 11 + [TEMPLATE]


def test_what_cannot_be_rendered_says_why() -> None:
    with pytest.raises(UsageError, match="no chat template"):
        ChatEncoder(bpe(None))
    with pytest.raises(FatalModelError, match="user first"):
        ChatEncoder(bpe(STRICT)).encode([Message("system", "x")], add_generation_prompt=True)
    with pytest.raises(FatalModelError, match="empty"):
        encoder.encode([], add_generation_prompt=True)
    with pytest.raises(FatalModelError, match="tool messages"):
        plain_messages([Message("user", "x"), ToolMessage({"role": "tool"})])
