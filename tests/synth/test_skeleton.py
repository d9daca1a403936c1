"""What templates do to thoughts: kept where they stand, moved into a slot, or dropped."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken

from longthought.agents.models.contract import Message
from longthought.synth.derive.rows import MaskedSpan
from longthought.synth.telling.thought_tags import FRAMES
from longthought.synth.tokens.labels import IGNORED, Labeller, cuts_of
from longthought.synth.tokens.row_encoder import RowEncoder
from tests.synth.test_verify import DELETES, GENERATION, PLAIN, SLOT, tokenizer

#: Writes an empty thought where a message has none, as Qwen3's does in the last turn.
ALWAYS = SLOT.replace(
    "{% else %}{{ m.content }}",
    "{% elif loop.last %}<think>\n\n</think>\n\n{{ m.content }}{% else %}{{ m.content }}",
)
#: The template trims what a message holds.
TRIMS = PLAIN.replace("m.content", "m.content | trim")

TAGS = tuple(tag for tags in FRAMES for tag in tags)
PLAIN_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=12)
#: Texts that may spell tags of thoughts, and other special tokens.
TEXT = (
    st.lists(PLAIN_TEXT | st.sampled_from((*TAGS, "<|end|>")), min_size=1, max_size=3)
    .map("".join)
    .filter(str.strip)
)


def thinking(template: str) -> Any:
    made = tokenizer(template)
    made.add_tokens([AddedToken(tag, normalized=False) for tags in FRAMES for tag in tags])
    return made


def encoded(made: Any, *messages: tuple[str, str], masked: tuple[MaskedSpan, ...] = ()) -> tuple[str, str]:
    """The whole rendering and what is learned of it, decoded."""
    chat = [Message("user" if role == "user" else "assistant", text) for role, text in messages]
    (row,) = RowEncoder(made).encode_rows([chat], [cuts_of(masked)])
    labels = Labeller(made).label("row", chat, [m.role == "assistant" for m in chat], masked, row)
    return str(made.decode(row.ids)), str(made.decode(row.ids[labels != IGNORED]))


@pytest.mark.parametrize("template", [PLAIN, SLOT, ALWAYS, GENERATION, TRIMS])
@given(
    thought=TEXT.filter(lambda text: not any(tag in text for tag in FRAMES[0])),
    answer=TEXT.filter(lambda text: FRAMES[0][1] not in text),
    asked=TEXT,
)
@settings(max_examples=60, deadline=None)
def test_a_thought_stands_where_the_template_puts_it(
    template: str, thought: str, answer: str, asked: str
) -> None:
    made = thinking(template)
    message = f"<think>\n{thought}\n</think>\n\n{answer}"
    chat = [{"role": "user", "content": asked}, {"role": "assistant", "content": message}]
    whole, told = encoded(made, ("user", asked), ("assistant", message))
    rendered = made.apply_chat_template(chat, tokenize=False)
    (row,) = RowEncoder(made).encode_rows([[Message("user", asked), Message("assistant", message)]], [{}])
    assert "".join(whole.split()) == "".join(rendered.split())
    tags = made.convert_tokens_to_ids(list(TAGS))
    assert [made.decode([token]) for token in row.ids if token in tags] == list(FRAMES[0])
    assert "".join(told.split()) == "".join(f"{message}<|end|>".split())


def test_of_several_turns_only_the_last_thought_has_the_slot() -> None:
    first, last = "<think>\nso\n</think>\n\nb", "<think>\nthus\n</think>\n\nd"
    whole, told = encoded(
        thinking(SLOT), ("user", "a"), ("assistant", first), ("user", "c"), ("assistant", last)
    )
    assert first in whole
    assert whole.endswith(f"assistant\n{last}<|end|>\n")
    assert told == f"{first}<|end|>{last}<|end|>"


def test_a_template_that_deletes_thoughts_does_not_get_them() -> None:
    message = "<think>\nso\n</think>\n\nb"
    assert encoded(thinking(DELETES), ("user", "a"), ("assistant", message)) == (
        f"a<|end|>{message}<|end|>",
        f"{message}<|end|>",
    )


@pytest.mark.parametrize("template", [PLAIN, SLOT])
def test_masks_hold_in_the_slot(template: str) -> None:
    message = "<think>\nwrong\nright\n</think>\n\n4"
    spans = (MaskedSpan(message=1, start=0, end=8), MaskedSpan(message=1, start=8, end=14))
    _, told = encoded(thinking(template), ("user", "a"), ("assistant", message), masked=spans)
    assert told == "right\n</think>\n\n4<|end|>"
    _, told = encoded(thinking(template), ("user", "a"), ("assistant", message), masked=spans[1:])
    assert told == "<think>\nright\n</think>\n\n4<|end|>"


@pytest.mark.parametrize("tags", FRAMES[1:])
def test_tags_of_other_models(tags: tuple[str, ...]) -> None:
    opened, ended, answered, over = tags
    message = f"{opened}\n\nso\n\n{ended}\n\n{answered}\n\n4\n\n{over}"
    made = thinking(PLAIN)
    whole, told = encoded(made, ("user", opened), ("assistant", message))
    assert told == f"{message}<|end|>"
    ids = made(whole, add_special_tokens=False)["input_ids"]
    (row,) = RowEncoder(made).encode_rows([[Message("user", opened), Message("assistant", message)]], [{}])
    # The user's tag is text, the four of the thought are tokens.
    assert len(row.ids) > len(ids)
    assert [i for i in row.ids if i in made.convert_tokens_to_ids(list(tags))] == made.convert_tokens_to_ids(
        list(tags)
    )
