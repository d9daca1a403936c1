from __future__ import annotations

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


def rendered(row: SftRow) -> tuple[str, list[bool]]:
    """A row as the template writes it, with END behind every message, and of each character whether it is learned.

    From the row's columns alone. An end is learned if what stands before it is.
    """
    text, learned = "", list[bool]()
    for i, (message, trained) in enumerate(zip(row.messages, row.trained, strict=True)):
        own = [trained] * len(message["content"])
        for span in row.masked:
            if span["message"] == i:
                own[span["start"] : span["end"]] = [False] * (span["end"] - span["start"])
        text += message["content"] + END
        learned += own + [bool(own) and own[-1]] * len(END)
    return text, learned


def labelled(row: SftRow, tokenizer: Any) -> tuple[list[int], list[int]]:
    """The row's tokens, and those of them that are learned."""
    chat = [Message(message["role"], message["content"]) for message in row.messages]
    (tokens,) = RowEncoder(tokenizer).encode_rows([chat], [cuts_of(row.masked)])
    labels = Labeller(tokenizer).label(row.id, chat, row.trained, row.masked, tokens)
    return tokens.ids.tolist(), labels.tolist()


@pytest.mark.parametrize("name", TOKENIZERS)
@given(samples=debates())
@settings(max_examples=60, deadline=None)
def test_tokens_are_those_of_the_whole_text_and_learned_if_they_end_in_what_is(
    name: str, samples: list[Transcript]
) -> None:
    tokenizer = TOKENIZERS[name]()
    for kind in KINDS:
        for row in kind.rows(samples):
            if isinstance(row, SftRow):
                text, learned = rendered(row)
                whole = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
                spans: list[tuple[int, int]] = whole["offset_mapping"]
                told = [learned[max(end, start, 1) - 1] for start, end in spans]
                ids, labels = labelled(row, tokenizer)
                assert ids == whole["input_ids"]
                assert labels == [i if t else IGNORED for i, t in zip(ids, told, strict=True)]


@given(samples=debates())
@settings(max_examples=60, deadline=None)
def test_where_tokens_end_with_lines_masks_are_exact(samples: list[Transcript]) -> None:
    tokenizer = TOKENIZERS["lines"]()
    for kind in KINDS:
        for row in kind.rows(samples):
            if isinstance(row, SftRow):
                text, learned = rendered(row)
                _, labels = labelled(row, tokenizer)
                told = tokenizer.decode([i for i in labels if i != IGNORED])
                assert told == "".join(c for c, t in zip(text, learned, strict=True) if t)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_token_over_a_change_of_the_mask_is_kept_and_belongs_to_where_it_ends(name: str) -> None:
    tokenizer = TOKENIZERS[name]()
    encoder, labeller = RowEncoder(tokenizer), Labeller(tokenizer)
    text = "12 + 15 = 27, é 漢 🙂\nHold on, back to the beginning.\n\nBefore I go on"
    chat = [Message("user", "x"), Message("assistant", text)]
    whole = tokenizer(f"x{END}{text}{END}", add_special_tokens=False, return_offsets_mapping=True)
    before = len(f"x{END}")
    within = 0
    for cut in range(1, len(text)):
        masked = [MaskedSpan(message=1, start=0, end=cut)]
        (tokens,) = encoder.encode_rows([chat], [cuts_of(masked)])
        assert list(tokens.ids) == whole["input_ids"]
        labels = labeller.label("row", chat, [False, True], masked, tokens)
        over = [start for start, end in whole["offset_mapping"] if start < before + cut < end]
        at = min(over, default=before + cut) - before
        assert tokenizer.decode(tokens.ids[labels != IGNORED]) == text[at:] + END
        within += at < cut
    assert within > len(text) / 4


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_mask_changes_no_token_of_a_text_that_spells_a_special_one(name: str) -> None:
    tokenizer = TOKENIZERS[name]()
    encoder, labeller = RowEncoder(tokenizer), Labeller(tokenizer)
    text = f"12 + 15 = 27, {END} é\nHold on, back to the beginning."
    chat = [Message("user", "x"), Message("assistant", text)]
    (whole,) = encoder.encode_rows([chat], [{}])
    assert list(whole.ids).count(tokenizer.convert_tokens_to_ids(END)) == 2
    learned: list[int] = []
    for cut in range(1, len(text)):
        masked = [MaskedSpan(message=1, start=0, end=cut)]
        (tokens,) = encoder.encode_rows([chat], [cuts_of(masked)])
        assert list(tokens.ids) == list(whole.ids)
        labels = labeller.label("row", chat, [False, True], masked, tokens)
        learned.append(int((labels != IGNORED).sum()))
    assert learned == sorted(learned, reverse=True)
    assert learned[0] > 20 > learned[-1]


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
