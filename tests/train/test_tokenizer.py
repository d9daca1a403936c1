from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from longthought.agents.errors import UsageError
from longthought.train.tokenizer import train_tokenizer

PHRASE = "Each number may be used at most once, and no other text is allowed."
TEXTS = [f"Reach {i}.\n{PHRASE}\n\nP" for i in range(50)]
TOKENIZER: Any = train_tokenizer(TEXTS, 400, 512)


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example(PHRASE + " 1234567890 ¾ ٣ é\r\n\t  🤔<|end|><|pad|>")
@settings(max_examples=300, deadline=None)
def test_every_text_comes_back_exactly(text: str) -> None:
    ids = TOKENIZER(text, add_special_tokens=False)["input_ids"]
    assert TOKENIZER.decode(ids) == text


@given(st.integers(min_value=0))
@settings(deadline=None)
def test_every_digit_is_one_token(number: int) -> None:
    assert TOKENIZER.tokenize(str(number)) == list(str(number))


def test_a_phrase_that_is_always_the_same_is_one_token() -> None:
    assert len(TOKENIZER(f"7.\n{PHRASE}\n\nP")["input_ids"]) == 2


def test_the_same_texts_make_the_same_tokenizer() -> None:
    again = train_tokenizer(TEXTS, 400, 512)
    assert again.backend_tokenizer.to_str() == TOKENIZER.backend_tokenizer.to_str()


def test_a_saved_one_loads_and_renders_chats(tmp_path: Path) -> None:
    TOKENIZER.save_pretrained(tmp_path)
    loader: Any = AutoTokenizer
    loaded = loader.from_pretrained(tmp_path)
    chat = [{"role": "user", "content": "P 1"}, {"role": "assistant", "content": "2"}]
    assert (
        loaded.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) == "P 1<|end|>2<|end|>"
    )
    assert (loaded.eos_token, loaded.pad_token, loaded.model_max_length) == ("<|end|>", "<|pad|>", 512)
    masked = loaded.apply_chat_template(chat, return_assistant_tokens_mask=True, return_dict=True)
    learned = [t for t, m in zip(masked["input_ids"], masked["assistant_masks"], strict=True) if m]
    assert loaded.decode(learned) == "2<|end|>"


def test_a_vocabulary_without_room_for_the_bytes_is_refused() -> None:
    with pytest.raises(UsageError, match=r"vocab_size: 200 is too small, give at least 258"):
        train_tokenizer(TEXTS, 200, 512)


def test_numbers_in_threes() -> None:
    texts = [f"{i}-{j}={i - j}\n" for i in range(10, 40) for j in range(10)] * 20
    tokenizer: Any = train_tokenizer(texts, 500, 512, digits=3)
    assert tokenizer.tokenize("35-7=28") == ["35", "-", "7", "=", "28"]
    assert {3, 6} <= set(accumulate(len(token) for token in tokenizer.tokenize("1234567")))
    mixed = "12345 ¾ ٣٤ 17-2=15\n é"
    assert tokenizer.decode(tokenizer(mixed, add_special_tokens=False)["input_ids"]) == mixed
