"""Preference rows as tokens: what both sides share, and an end that is none, carry no loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from longthought.agents.errors import UsageError
from longthought.train.corpus import Row
from longthought.train.preferences import tokenise_pairs
from longthought.train.tokenizer import train_tokenizer
from tests.synth.scripted_runs import Script, transcript_of

TOKENIZER: Any = train_tokenizer(["<think>\n2+2 is 4\n2*3 is 6\n</think>\n\nAnswer: 4"] * 20, 300, 512)
#: Cuts white space off, writes roles, and puts a line feed behind the end, as ChatML templates do.
CHATML: Any = train_tokenizer(["<think>\n2+2 is 4\n2*3 is 6\n</think>\n\nAnswer: 4"] * 20, 300, 512)
CHATML.chat_template = (
    "{% for m in messages %}<|pad|>{{ m.role }}\n{{ m.content | trim }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|pad|>assistant\n{% endif %}"
)

steps = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=12
) | st.sampled_from(["2+2 is 4", "<|end|>", "a<|pad|>b", "=", "</think>"])


def pair(shared: str, best: str, worst: str, finished: tuple[bool, bool] = (False, False)) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": "2+2?"}],
        "chosen": [{"role": "assistant", "content": shared + best}],
        "rejected": [{"role": "assistant", "content": shared + worst}],
        "shared": len(shared),
        "chosen_finished": finished[0],
        "rejected_finished": finished[1],
    }


def tokens(row: dict[str, Any], tokenizer: Any = TOKENIZER) -> dict[str, list[int]]:
    (made,) = tokenise_pairs([Row(row, "row 1")], tokenizer, max_length=400).dataset
    ids: dict[str, list[int]] = made
    return ids


@pytest.mark.parametrize("tokenizer", [TOKENIZER, CHATML], ids=["plain", "chatml"])
@given(st.lists(steps, max_size=3), steps, steps, st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_only_the_two_steps_and_real_ends_are_learned(
    tokenizer: Any, before: list[str], best: str, worst: str, one: bool, other: bool
) -> None:
    assume((best, one) != (worst, other))
    shared = "<think>\n" + "".join(f"{step}\n" for step in before)
    made = tokens(pair(shared, best, worst, (one, other)), tokenizer)
    decode = tokenizer.decode
    start = "2+2?<|end|>" if tokenizer is TOKENIZER else "<|pad|>user\n2+2?<|end|>\n<|pad|>assistant\n"
    end = "<|end|>" if tokenizer is TOKENIZER else "<|end|>\n"
    assert decode(made["prompt_ids"]) == start + shared
    assert decode(made["chosen_ids"]) == best + (end if one else "")
    assert decode(made["rejected_ids"]) == worst + (end if other else "")


def test_the_tag_of_an_open_thought_is_the_token_that_it_is_in_whole_answers() -> None:
    from tokenizers import AddedToken

    tokenizer: Any = train_tokenizer(["<think>\n2+2 is 4"] * 20, 300, 512)
    tokenizer.add_tokens([AddedToken(tag, normalized=False) for tag in ("<think>", "</think>")])
    opened = tokenizer.convert_tokens_to_ids("<think>")
    ended = "answer: 5\n</think>\n\nAnswer: 5"
    for row in (
        pair("<think>\n2+2 is 4\n", "so it is", ended, (False, True)),
        pair("<think>\n", "2+2 is 4", "2*2 is 5"),
        {**pair("", "<think>\n2+2 is 4", "<think>\n5"), "shared": 0},
    ):
        made = tokens(row, tokenizer)
        for side in ("chosen_ids", "rejected_ids"):
            assert (made["prompt_ids"] + made[side]).count(opened) == 1
        assert tokenizer.convert_tokens_to_ids("</think>") not in made["chosen_ids"]
    fake = tokens(pair("<think>\n", "a <think> b", "c"), tokenizer)
    assert (fake["prompt_ids"] + fake["chosen_ids"]).count(opened) == 0, (
        "whose text has it twice has no frame"
    )


def test_a_first_letter_that_both_steps_have_is_learned() -> None:
    made = tokens(pair("<think>\n", "2+2 is 4", "2+2 is 5"))
    assert TOKENIZER.decode(made["chosen_ids"]) == "2+2 is 4"
    assert TOKENIZER.decode(made["rejected_ids"]) == "2+2 is 5"


def test_rows_without_the_columns_are_whole_answers() -> None:
    row = {key: value for key, value in pair("", "4", "5").items() if key in ("prompt", "chosen", "rejected")}
    made = tokens(row)
    assert TOKENIZER.decode(made["prompt_ids"]) == "2+2?<|end|>"
    assert TOKENIZER.decode(made["chosen_ids"]) == "4<|end|>"


@pytest.mark.parametrize("shared", [-1, 99, "all"])
def test_a_shared_part_that_cannot_be_is_refused(shared: object) -> None:
    with pytest.raises(UsageError, match="row 1: `shared` must be a number of characters"):
        tokens({**pair("<think>\n", "4", "5"), "shared": shared})


def side(thought: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": f"{thought}\n</think>\n\nAnswer: {answer}"}]


@pytest.mark.parametrize("tokenizer", [TOKENIZER, CHATML], ids=["plain", "chatml"])
@given(steps, steps, steps)
@settings(max_examples=25, deadline=None)
def test_of_thoughts_alone_nothing_behind_them_is_learned(
    tokenizer: Any, best: str, worst: str, answer: str
) -> None:
    assume(best != worst and not any("think>" in text for text in (best, worst, answer)))
    row = pair("", "", "", (True, True))
    row |= {"chosen": side(f"<think>\n{best}", answer), "rejected": side(f"<think>\n{worst}", answer)}
    (made,) = tokenise_pairs([Row(row, "row 1")], tokenizer, max_length=400, part="thought").dataset
    decode = tokenizer.decode
    for column, step in (("chosen_ids", best), ("rejected_ids", worst)):
        assert decode(made[column]).rstrip() == f"<think>\n{step}".rstrip()
    (whole,) = tokenise_pairs([Row(row, "row 1")], tokenizer, max_length=400).dataset
    for column in ("prompt_ids", "chosen_ids", "rejected_ids"):
        assert decode(whole[column]).startswith(decode(made[column]))


def test_rows_that_were_exported_as_thoughts_are_what_whole_ones_become() -> None:
    whole = {**pair("", "", ""), "chosen": side("<think>\n4", "4"), "rejected": side("<think>\n5", "4")}
    whole |= {"chosen_finished": True, "rejected_finished": True}
    exported = tokens(pair("", "<think>\n4", "<think>\n5"))
    (cut,) = tokenise_pairs([Row(whole, "row 1")], TOKENIZER, max_length=400, part="thought").dataset
    assert cut == exported
    untagged = [Row(pair("", "4", "5"), "row 1")]
    with pytest.raises(UsageError, match="row 1: `chosen` holds no thought in known tags; set part: whole"):
        tokenise_pairs(untagged, TOKENIZER, max_length=400, part="thought")


def test_equal_pairs_are_left_out_and_counted() -> None:
    same = {**pair("", "", ""), "chosen": side("<think>\n4", "4"), "rejected": side("<think>\n4", "5")}
    same |= {"chosen_finished": True, "rejected_finished": True}
    rows = [Row(each, "row") for each in (pair("", "4", "4"), same, pair("", "4", "5"))]
    made = tokenise_pairs(rows, TOKENIZER, max_length=400)
    assert (len(made.dataset), made.equal, made.dropped) == (2, 1, 0)
    with pytest.raises(UsageError, match="of 1 both sides are equal"):
        tokenise_pairs([Row(same, "row")], TOKENIZER, max_length=400, part="thought")


def test_rows_of_the_kind_say_it_right(tmp_path: Path) -> None:
    from longthought.synth.derive.step_preference import StepPreference

    forks = Script(
        ["2+2 is 4", "answer: 5", "so it is", "answer: 4"],
        ["continue", "backtrack 1: no", "continue", "terminate solved"],
    )
    (row,) = StepPreference().rows([transcript_of(tmp_path, forks)])
    made = tokens(vars(row))
    decode = TOKENIZER.decode
    assert decode(made["prompt_ids"]) == "p: 2+2?<|end|><think>\n2+2 is 4\n"
    assert decode(made["chosen_ids"]) == "so it is"
    assert decode(made["rejected_ids"]) == "answer: 5\n</think>\n\nAnswer: 5<|end|>"
