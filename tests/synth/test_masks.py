from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings

from longthought.agents.models.contract import Message
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation
from longthought.synth.derive.dialogue import Dialogue
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.rows import MaskedSpan, SftRow
from longthought.synth.derive.shortcut import Shortcut
from longthought.synth.telling.masks import Mask, learned, masked_spans
from longthought.synth.telling.pieces import Piece, joined
from longthought.synth.tokens.labels import IGNORED, Labeller, cuts_of
from longthought.synth.tokens.row_encoder import RowEncoder
from tests.synth.random_debates import debates
from tests.synth.scripted_runs import DETOURS, transcript_of
from tests.synth.tokenizers import END, TOKENIZERS

MASKS: tuple[Mask, ...] = get_args(Mask)
KINDS: list[Derivation] = [
    *(Journey(mask=mask) for mask in MASKS),
    Journey.model_validate({"mask": "drop-wrong", "tags": "still"}),
    Shortcut(),
    Dialogue(),
    Dialogue(mask="recovery-only", context="shared"),
]


def expected(row: SftRow) -> tuple[str, str]:
    """What is learned of a row and what is not, from its columns alone; the template ends every message with END."""
    told, kept = "", ""
    for i, (message, trained) in enumerate(zip(row.messages, row.trained, strict=True)):
        text = message["content"]
        spans = [(s["start"], s["end"]) for s in row.masked if s["message"] == i]
        edges = [0, *(place for span in spans for place in span), len(text)]
        last = False
        for number, (start, end) in enumerate(pairwise(edges)):
            if start == end:
                continue
            last = trained and number % 2 == 0
            told, kept = (told + text[start:end], kept) if last else (told, kept + text[start:end])
        told, kept = (told + END, kept) if last else (told, kept + END)
    return told, kept


def found(row: SftRow, tokenizer: Any) -> tuple[str, str]:
    """What is learned of a row and what is not, from its tokens."""
    chat = [Message(message["role"], message["content"]) for message in row.messages]
    (tokens,) = RowEncoder(tokenizer).encode_rows([chat], [cuts_of(row.masked)])
    labels = Labeller(tokenizer).label(row.id, chat, row.trained, row.masked, tokens)
    assert set(labels) - {IGNORED} <= set(tokens.ids)
    return (
        str(tokenizer.decode(tokens.ids[labels != IGNORED])),
        str(tokenizer.decode(tokens.ids[labels == IGNORED])),
    )


def plain(text: str) -> str:
    """Without what tokenizers do not keep: white space around the token that swallows it, and ▁ for a space."""
    return re.sub(r"\s*Hmm,\s*", "Hmm,", text.replace("\u2581", " "))


@pytest.mark.parametrize("name", TOKENIZERS)
@given(samples=debates())
@settings(max_examples=60, deadline=None)
def test_masked_tokens_decode_to_the_spans_meant(name: str, samples: list[Transcript]) -> None:
    tokenizer = TOKENIZERS[name]()
    for kind in KINDS:
        for row in kind.rows(samples):
            if isinstance(row, SftRow):
                told, kept = found(row, tokenizer)
                meant, rest = expected(row)
                assert plain(told) == plain(meant)
                # Where a text begins, this kind puts a space of its own.
                assert plain(kept) == plain(f" {rest}" if name == "sentencepiece" else rest)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_mask_that_changes_anywhere_in_a_word_is_exact(name: str) -> None:
    tokenizer = TOKENIZERS[name]()
    encoder, labeller = RowEncoder(tokenizer), Labeller(tokenizer)
    text = "12 + 15 = 27, é 漢 🙂\nHold on, back to the beginning.\n\nBefore I go on"
    chat = [Message("user", "x"), Message("assistant", text)]
    (whole,) = encoder.encode_rows([chat], [{}])
    assert list(whole.ids) == tokenizer(f"x{END}{text}{END}", add_special_tokens=False)["input_ids"]
    more = 0
    for cut in range(1, len(text)):
        masked = [MaskedSpan(message=1, start=0, end=cut)]
        (tokens,) = encoder.encode_rows([chat], [cuts_of(masked)])
        labels = labeller.label("row", chat, [False, True], masked, tokens)
        assert tokenizer.decode(tokens.ids[labels != IGNORED]) == text[cut:] + END
        # Only the token at the cut is another.
        assert 0 <= len(tokens.ids) - len(whole.ids) <= 20
        more += len(tokens.ids) != len(whole.ids)
    assert more > len(text) / 4


def test_thought_tags_are_special_tokens_where_the_tokenizer_has_them(tmp_path: Path) -> None:
    tokenizer = TOKENIZERS["added"]()
    (row,) = Journey().rows([transcript_of(tmp_path, DETOURS)])
    assert isinstance(row, SftRow)
    chat = [Message(message["role"], message["content"]) for message in row.messages]
    (tokens,) = RowEncoder(tokenizer).encode_rows([chat], [{}])
    tags = tokenizer.convert_tokens_to_ids(["<think>", "</think>"])
    assert [i for i in tokens.ids if i in tags] == tags


@pytest.mark.parametrize(
    "text",
    ["say <think>", "<think> a <think> b </think>", "</think> a <think>", "<think> a", "a </think> b"],
)
def test_tags_that_frame_no_thought_are_text(text: str) -> None:
    tokenizer = TOKENIZERS["added"]()
    chat = [Message("user", "<think> a </think>"), Message("assistant", text)]
    (tokens,) = RowEncoder(tokenizer).encode_rows([chat], [{}])
    assert not set(tokens.ids) & set(tokenizer.convert_tokens_to_ids(["<think>", "</think>"]))
    assert tokenizer.decode(tokens.ids) == f"<think> a </think>{END}{text}{END}"


PIECES = [
    Piece("a", "thought", 1, stands=True),
    Piece("b", "thought", 2, stands=False),
    Piece("no", "way back", 2, stands=False),
    Piece("c", "thought", 3, stands=False),
    Piece("hm", "way back", 3, stands=False),
    Piece("d", "thought", 4, stands=True),
    Piece("e", "thought", 5, stands=True),
    Piece("done", "end", 5, stands=True),
]


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        ("all", "a b no c hm d e done"),
        ("drop-wrong", "a no hm d e done"),
        ("recovery-only", "no hm d"),
        ("critic-only", "no hm done"),
        ("policy-only", "a b c d e"),
    ],
)
def test_what_each_mask_teaches(mask: Mask, told: str) -> None:
    flags = learned(PIECES, mask)
    assert " ".join(p.text for p, flag in zip(PIECES, flags, strict=True) if flag) == told
    text = f"<{joined(PIECES)}>"
    spans = masked_spans("<", PIECES, ">", mask)
    kept = "".join(c for i, c in enumerate(text) if not any(a <= i < b for a, b in spans))
    assert kept.strip("<>").split() == told.split()
    assert ("<" in kept, ">" in kept) == (mask not in ("recovery-only", "critic-only"),) * 2
