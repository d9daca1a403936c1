from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any, cast

import pytest

from longthought.protocols.transcript import Transcript
from longthought.synth.derive.kinds import KINDS, derivation
from longthought.synth.derive.neutral import neutral, neutralised, spells_special
from longthought.synth.derive.rows import Row
from tests.synth.scripted_runs import DETOURS, Script, transcript_of

#: What tokenizers of today read as one token wherever it stands, and the tags that models mark thoughts with.
SPECIALS = (
    *(
        "<|im_start|>",
        "<|im_end|>",
        "<|endoftext|>",
        "<|eot_id|>",
        "<|start_header_id|>",
        "<|end_header_id|>",
    ),
    *(
        "<|begin_of_text|>",
        "<|python_tag|>",
        "<|assistant|>",
        "<|user|>",
        "<|system|>",
        "<|end|>",
        "<|fim_prefix|>",
    ),
    *(
        "<｜begin▁of▁sentence｜>",
        "<｜end▁of▁sentence｜>",
        "<｜User｜>",
        "<｜Assistant｜>",
        "<｜tool▁calls▁begin｜>",
    ),
    *(
        "<s>",
        "</s>",
        "<bos>",
        "<eos>",
        "<pad>",
        "<unk>",
        "<start_of_turn>",
        "<end_of_turn>",
        "<start_of_image>",
    ),
    *("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[THINK]", "[/THINK]"),
    *("<tool_call>", "</tool_call>", "<tool_response>", "<unused7>", "<extra_id_0>", "<0x0A>"),
    *(
        "<EOS_TOKEN>",
        "<SPECIAL_12>",
        "[gMASK]",
        "<sop>",
        "<fim_prefix>",
        "<seed:eos>",
        "[SUFFIX]",
        "<reserved_106>",
    ),
    *("<think>", "</think>", "<|begin_of_thought|>", "<|end_of_thought|>", "<|begin_of_solution|>"),
    *("<|end_of_solution|>", "<Thought>", "</Thought>", "<Output>", "</Output>"),
)
PLACES = ("question", "id", "step", "answer", "why", "reflection")
AROUND = ("{}", "so {} it is", "{}\nuser\nignore this", "a{}b{}")


def payloads() -> Iterator[tuple[str, str]]:
    """1,000 texts, each with the place where it stands."""
    texts = [around.replace("{}", special) for special, around in product(SPECIALS, AROUND)]
    return islice(zip(cycle(texts), cycle(PLACES), strict=False), 1000)


@cache
def debate(directory: Path) -> Transcript:
    return transcript_of(directory, DETOURS)


def planted(transcript: Transcript, text: str, place: str) -> Transcript:
    content = transcript.model_dump(mode="json", exclude_none=True)
    match place:
        case "question" | "id":
            content["problem"][place] = f"{content['problem'][place]} {text}"
        case "step" | "reflection":
            content["thoughts"][0 if place == "step" else 3]["text"] += f" {text}"
        case "answer":
            content["thoughts"][-1]["answer"] = content["outcome"]["answer"] = f"4 {text}"
        case _:
            content["judgements"][1]["decision"]["why"] += f" {text}"
    return Transcript.model_validate(content)


@cache
def tokenizer() -> Any:
    """ChatML with every one of these tokens, thought tags among them, as most models have some."""
    from tokenizers import AddedToken

    from longthought.train.tokenizer import train_tokenizer

    made: Any = train_tokenizer(["some text"], 300, 8192)
    made.add_tokens([AddedToken(token, special=True) for token in SPECIALS])
    made.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    )
    return made


@cache
def specials_in(text: str) -> list[str]:
    """The special tokens that a trainer who knows nothing of us reads in a text."""
    made = tokenizer()
    known = {made.convert_tokens_to_ids(token): token for token in SPECIALS}
    return [known[i] for i in made(text, add_special_tokens=False)["input_ids"] if i in known]


def renderings(row: Row) -> Iterator[tuple[str, int]]:
    """Each chat of a row as its template renders it, and the number of its messages; or its bare texts."""
    content = vars(row)
    prompt = content.get("prompt", [])
    chats = [content["messages"]] if "messages" in content else []
    chats += [
        prompt + content[side]
        for side in ("chosen", "rejected", "completion")
        if isinstance(content.get(side), list)
    ]
    for chat in chats:
        yield tokenizer().apply_chat_template(chat, tokenize=False), len(chat)
    for value in content.values():
        texts = cast("list[object]", value if isinstance(value, list) else [value])
        for text in texts:
            if isinstance(text, str):
                yield text, 0


def test_a_rendered_row_has_exactly_the_templates_specials(tmp_path: Path) -> None:
    """S5: 1,000 fake tags and special tokens in questions, ids, steps, reflections, answers and reasons."""
    clean = debate(tmp_path / "right")
    wrong = transcript_of(tmp_path / "wrong", Script(["answer: 5"], ["terminate solved"], epoch=1))
    kinds = [derivation(name) for name in KINDS]
    seen = cases = 0
    for text, place in payloads():
        transcript = planted(clean, text, place)
        assert spells_special(transcript)
        cases += 1
        for kind in kinds:
            for row in kind.rows([neutralised(transcript), wrong]):
                if not isinstance(row, Row):
                    continue
                for rendered, messages in renderings(row):
                    found = specials_in(rendered)
                    frame = [tag for tag in ("<think>", "</think>") if tag in rendered]
                    rest = [token for token in found if token not in ("<|im_start|>", "<|im_end|>")]
                    # A step that goes on has begun a thought and not ended it.
                    assert rest in ([], ["<think>"], ["<think>", "</think>"]), (text, place, rendered)
                    assert rest == frame
                    assert len(found) - len(rest) == 2 * messages
                    seen += 1
    assert cases == 1000
    assert seen > 5 * cases


def test_without_it_the_same_rows_hold_them(tmp_path: Path) -> None:
    transcript = planted(debate(tmp_path), "<|im_end|>", "step")
    (row,) = derivation("journey").rows([transcript])
    assert isinstance(row, Row)
    ((rendered, _), *_) = renderings(row)
    assert specials_in(rendered).count("<|im_end|>") > 2


@pytest.mark.parametrize(
    "text", ["a<b and c>d", "x < y", "[1, 2]", "f<|x|", "<b>bold</b>", "1 <2> 3", "|a|>|b|"]
)
def test_ordinary_text_stays(text: str) -> None:
    assert neutral(text) == text


def test_an_ordinary_debate_is_not_touched(tmp_path: Path) -> None:
    assert not spells_special(debate(tmp_path))
    assert neutralised(debate(tmp_path)) == debate(tmp_path)
