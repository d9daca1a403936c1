from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from longthought.agents.errors import UsageError
from longthought.agents.models.chat_tokens import ChatEncoder
from longthought.agents.models.contract import Message
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.rows import SftRow
from longthought.synth.tokens.labels import IGNORED
from longthought.synth.tokens.pretokenise import Pretokeniser
from longthought.train.corpus import Row, read_rows
from longthought.train.settings import CorpusSettings
from longthought.train.tokenise import Tokenised, tokenise_rows
from longthought.train.tokenizer import train_tokenizer
from tests.synth.scripted_runs import DETOURS, transcript_of
from tests.train.tiny_corpora import sft_rows, write_corpus

TOKENIZER: Any = train_tokenizer((m["content"] for row in sft_rows(30) for m in row["messages"]), 320, 512)
#: Cuts white space off, writes roles, and puts a line feed behind the end, as ChatML templates do.
CHATML = (
    "{% for m in messages %}<|pad|>{{ m.role }}\n{{ m.content | trim }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|pad|>assistant\n{% endif %}"
)


def with_template(template: str) -> Any:
    tokenizer: Any = train_tokenizer(["some text"], 300, 512)
    tokenizer.chat_template = template
    return tokenizer


def rows(*contents: dict[str, Any]) -> list[Row]:
    return [Row(content, f"row {i + 1}") for i, content in enumerate(contents)]


def chat(*texts: str) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[i % 2], "content": text} for i, text in enumerate(texts)]


def learned(tokenised: Tokenised, tokenizer: Any, row: int = 0) -> str:
    labels: list[int] = tokenised.dataset[row]["labels"]
    return str(tokenizer.decode([label for label in labels if label != IGNORED]))


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20) | st.sampled_from(
    ["<|end|>", "a<|pad|>b", "<|end", "|>", "12+3=15\n", " "]
)


@given(st.lists(st.tuples(texts, texts, st.booleans()), min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_what_is_learned_is_what_was_marked_and_its_end(turns: Sequence[tuple[str, str, bool]]) -> None:
    messages = chat(*(text for asked, answer, _ in turns for text in (asked, answer)))
    trained = [flag for _, _, t in turns for flag in (False, t)]
    row = {"messages": messages, "trained": trained}
    if not any(trained):
        with pytest.raises(UsageError, match="nothing to learn"):
            tokenise_rows(rows(row), TOKENIZER, max_length=5000)
        return
    tokenised = tokenise_rows(rows(row), TOKENIZER, max_length=5000)
    assert learned(tokenised, TOKENIZER) == "".join(f"{answer}<|end|>" for _, answer, t in turns if t)
    alone = ChatEncoder(TOKENIZER).encode(
        [Message("user" if i % 2 == 0 else "assistant", m["content"]) for i, m in enumerate(messages)],
        add_generation_prompt=False,
    )
    assert tokenised.dataset[0]["input_ids"] == alone.ids


def test_without_flags_every_answer_is_learned() -> None:
    tokenised = tokenise_rows(rows({"messages": chat("a", "b", "c", "d")}), TOKENIZER, max_length=50)
    assert learned(tokenised, TOKENIZER) == "b<|end|>d<|end|>"


def test_the_end_is_learned_but_nothing_behind_it() -> None:
    tokenizer = with_template(CHATML)
    tokenised = tokenise_rows(rows({"messages": chat("a", "  b \n", "c", "d")}), tokenizer, max_length=500)
    assert learned(tokenised, tokenizer) == "b<|end|>d<|end|>"
    assert tokenizer.decode(tokenised.dataset[0]["input_ids"]).startswith(
        "<|pad|>user\na<|end|>\n<|pad|>assistant\nb"
    )


def test_many_rows_give_what_single_rows_give() -> None:
    many = rows(*sft_rows(1100))
    together = tokenise_rows(many, TOKENIZER, max_length=500)
    assert (len(together.dataset), together.dropped) == (1100, 0)
    for i in (0, 7, 999, 1000, 1099):
        assert together.dataset[i] == tokenise_rows([many[i]], TOKENIZER, max_length=500).dataset[0]
    assert together.tokens == sum(together.dataset["length"])


def test_long_rows_are_an_error_or_counted_but_never_cut() -> None:
    long = {"messages": chat("a", "xyz " * 100)}
    short = {"messages": chat("a", "b")}
    with pytest.raises(UsageError, match=r"row 2: \d+ tokens are more than max_length 20; .*too_long: drop"):
        tokenise_rows(rows(short, long), TOKENIZER, max_length=20)
    tokenised = tokenise_rows(rows(short, long), TOKENIZER, max_length=20, too_long="drop")
    assert (len(tokenised.dataset), tokenised.dropped) == (1, 1)
    with pytest.raises(UsageError, match=r"no rows to train on \(1 were longer"):
        tokenise_rows(rows(long), TOKENIZER, max_length=20, too_long="drop")


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"prompt": "a"}, "row 1: no `messages` in it, only prompt; name a kind"),
        ({"messages": []}, "row 1: `messages` must be"),
        ({"messages": [{"role": "user"}]}, "row 1: `messages` must be"),
        (
            {"messages": chat("a", "b"), "trained": [True]},
            "row 1: `trained` must hold one .* each of 2 messages",
        ),
        ({"messages": chat("a", "b"), "trained": [False, False]}, "row 1: nothing to learn"),
        ({"messages": chat("a", ""), "trained": [False, True]}, "row 1: nothing to learn"),
    ],
)
def test_bad_rows_are_named(row: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        tokenise_rows(rows(row), TOKENIZER, max_length=50)


def test_a_template_that_eats_thoughts_or_has_no_end_is_refused() -> None:
    row = {"messages": chat("a", "thought", "b", "answer")}
    eats = "{% for m in messages %}{% if m.role == 'user' or loop.last %}{{ m.content }}<|end|>{% endif %}{% endfor %}"
    with pytest.raises(UsageError, match="loses a trained message"):
        tokenise_rows(rows(row), with_template(eats), max_length=500)
    endless = with_template("{% for m in messages %}{{ m.content }}\n{% endfor %}")
    with pytest.raises(UsageError, match="would not learn to stop"):
        tokenise_rows(rows(row), endless, max_length=500)


def test_limits_and_weights_choose_rows_evenly(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "dialogue", sft_rows(8))

    def ids(**options: Any) -> list[str]:
        return [
            row.content["id"][4:]
            for row in read_rows([CorpusSettings(path=corpus, kind="dialogue", **options)])
        ]

    assert ids(limit=3) == ["0", "1", "2"]
    assert ids(weight=0.5) == ["1", "3", "5", "7"]
    assert ids(weight=2, limit=2) == ["0", "0", "1", "1"]


def test_parquet_reads_like_jsonl(tmp_path: Path) -> None:
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    corpus = write_corpus(tmp_path / "corpus", "dialogue", sft_rows(3))
    settings = [CorpusSettings(path=corpus, kind="dialogue")]
    jsonl = [row.content for row in read_rows(settings)]
    parquet.write_table(arrow.Table.from_pylist(jsonl), corpus / "dialogue" / "train.parquet")
    (corpus / "dialogue" / "train.jsonl").unlink()
    assert [row.content for row in read_rows(settings)] == jsonl


def test_a_corpus_that_is_not_there_is_named(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", "dialogue", sft_rows(1))
    with pytest.raises(UsageError, match=r"has no journey/train\.jsonl or \.parquet; kinds there: dialogue"):
        list(read_rows([CorpusSettings(path=corpus, kind="journey")]))
    with pytest.raises(UsageError, match="does not exist; make it with"):
        list(read_rows([CorpusSettings(path=tmp_path / "none", kind="journey")]))
    (corpus / "dialogue" / "train.jsonl").write_text('{"id": "a"}\n{"id"\n')
    with pytest.raises(UsageError, match=r"train\.jsonl:2: not JSON"):
        list(read_rows([CorpusSettings(path=corpus, kind="dialogue")]))


def test_token_ids_of_an_export_are_taken_as_they_are(tmp_path: Path) -> None:
    (made,) = Journey(mask="drop-wrong").rows([transcript_of(tmp_path, DETOURS)])
    assert isinstance(made, SftRow)
    ours = Pretokeniser(TOKENIZER).row(made)
    mixed = tokenise_rows(rows(ours.model_dump(), vars(made)), TOKENIZER, max_length=5000)
    assert mixed.dataset[0] == mixed.dataset[1]
    again = tokenise_rows(rows(ours.model_dump()), TOKENIZER, max_length=5000)
    assert again.dataset[:] == tokenise_rows(rows(vars(made)), TOKENIZER, max_length=5000).dataset[:]
    assert again.trained < again.tokens


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"tokenizer": "another"}, "row 1: these are token ids of another tokenizer; export again"),
        ({"labels": [1]}, "row 1: `input_ids` and `labels` must be"),
        ({"labels": None}, "row 1: `input_ids` and `labels` must be"),
        ({"input_ids": []}, "row 1: `input_ids` and `labels` must be"),
        ({"input_ids": [99999], "labels": [99999]}, "row 1: `input_ids` and `labels` must be"),
    ],
)
def test_token_ids_that_do_not_fit_are_named(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    (made,) = Journey().rows([transcript_of(tmp_path, DETOURS)])
    assert isinstance(made, SftRow)
    content = Pretokeniser(TOKENIZER).row(made).model_dump() | change
    with pytest.raises(UsageError, match=complaint):
        tokenise_rows(rows(content), TOKENIZER, max_length=5000)


def test_a_vocabulary_may_have_gaps() -> None:
    tokenizer = train_tokenizer(["some text"], 300, 512)
    state = tokenizer.backend_tokenizer.to_str()
    vocabulary = json.loads(state)
    vocabulary["model"]["vocab"]["b"] = 300
    tokenizer = type(tokenizer)(
        tokenizer_object=Tokenizer.from_str(json.dumps(vocabulary)),
        eos_token="<|end|>",
        pad_token="<|pad|>",
        chat_template=tokenizer.chat_template,
    )
    tokenised = tokenise_rows(rows({"messages": chat("a", "b")}), tokenizer, max_length=50)
    assert max(tokenised.dataset[0]["input_ids"]) == 300 > len(tokenizer)
    assert learned(tokenised, tokenizer) == "b<|end|>"
