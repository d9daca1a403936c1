"""A wrong corpus gets one clear line before anything is loaded, written or trained, whatever the trainer.

The model's weights are an empty file, so a line that is not about them was written before anybody read them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from longthought.agents.models.random_model import write_random_model
from tests.scenarios.command_line import Call

Row = dict[str, Any]
TRAINERS = ("sft", "critic", "dpo", "kto", "prm", "orm")
CHAT_TRAINERS = ("sft", "critic", "dpo", "kto", "grpo")
#: What each trainer is for, first of all; and what else it takes.
KIND = {"sft": "chats", "critic": "chats", "dpo": "pairs", "kto": "judged", "prm": "steps", "orm": "outcomes"}
ALSO = {("orm", "steps"), ("sft", "ids"), ("critic", "ids")}
#: A kind of an export that each takes.
MAKES = {
    **{"sft": "journey", "critic": "journey", "dpo": "preference", "kto": "kto"},
    **{"prm": "step_labels", "orm": "step_labels"},
}
CONTEXT = 64


def said(role: str, text: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def row(kind: str, answer: str = "4", good: bool = True, i: int = 0) -> Row:
    """A small sound row of a kind."""
    asked = f"{i}+2?"
    kinds: dict[str, Row] = {
        "chats": {"messages": said("user", asked) + said("assistant", answer)},
        "ids": {"input_ids": [1, 2], "labels": [1, 2]},
        "pairs": {
            "prompt": said("user", asked),
            "chosen": said("assistant", answer),
            "rejected": said("assistant", "5"),
        },
        "judged": {"prompt": said("user", asked), "completion": said("assistant", answer), "label": good},
        "steps": {"prompt": asked, "completions": [answer], "labels": [good]},
        "outcomes": {"prompt": asked, "completions": [answer], "answer_right": good},
    }
    return {"id": f"{kind}-{i}", **kinds[kind]}


def sound(trainer: str) -> list[Row]:
    return [row(KIND[trainer], good=True), row(KIND[trainer], good=False, i=1)]


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with positions for few tokens and a token for every byte, its weights taken away."""
    path = write_random_model(tmp_path_factory.mktemp("model") / "whole", context=CONTEXT)
    (path / "model.safetensors").write_bytes(b"")
    return path


@pytest.fixture
def refused(whole: Path, call: Call, tmp_path: Path) -> Callable[..., str]:
    """Trains on rows; the one line that came of it. Nothing may have been written."""

    def train(
        trainer: str,
        rows: Sequence[Row] | None = None,
        *,
        change: Callable[[Path], None] | None = None,
        **settings: Any,
    ) -> str:
        model = tmp_path / "model"
        model.mkdir()
        for file in whole.iterdir():
            (model / file.name).write_bytes(file.read_bytes())
        if change is not None:
            change(model)
        settings = {"model": str(model), "out": "made", "device": "cpu", "max_steps": 1, **settings}
        if rows is not None:
            (tmp_path / "rows.jsonl").write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in rows))
            settings["corpora"] = [{"path": "rows.jsonl", "kind": "any"}]
        (tmp_path / "train.yaml").write_text(json.dumps(settings))
        before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
        code, out, err = call("train", trainer, "--config", "train.yaml")
        assert (code, out) == (2, "")
        assert err.count("\n") == 1, err
        assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before
        return err

    return train


def has(line: str, *parts: str) -> None:
    assert [part for part in parts if part not in line] == [], line


WRONG = [
    (trainer, kind)
    for trainer in TRAINERS
    for kind in ("chats", "ids", "pairs", "judged", "steps", "outcomes")
    if kind != KIND[trainer] and (trainer, kind) not in ALSO
]


@pytest.mark.parametrize(("trainer", "kind"), WRONG)
def test_rows_of_another_trainer(refused: Callable[..., str], trainer: str, kind: str) -> None:
    theirs = next(name for name, takes in KIND.items() if takes == ("chats" if kind == "ids" else kind))
    if kind == "steps":
        theirs = "prm"
    line = refused(trainer, [row(kind)])
    has(
        line,
        f"rows.jsonl row 1 ({kind}-0)",
        f"for `longthought train {theirs}`",
        f"the kind {MAKES[trainer]}",
    )


@pytest.mark.parametrize("trainer", TRAINERS)
def test_rows_of_no_trainer(refused: Callable[..., str], trainer: str) -> None:
    has(
        refused(trainer, [{"text": "2+2 is 4"}]),
        "rows.jsonl row 1",
        "no trainer takes rows with the columns text",
        f"the kind {MAKES[trainer]}",
    )


@pytest.mark.parametrize("trainer", TRAINERS)
def test_no_rows(refused: Callable[..., str], trainer: str) -> None:
    has(refused(trainer, []), "rows.jsonl holds no rows", "leave it out, or export it")


@pytest.mark.parametrize("trainer", TRAINERS)
def test_rows_longer_than_allowed(refused: Callable[..., str], trainer: str) -> None:
    rows = [*sound(trainer), row(KIND[trainer], "4" * 30, i=2)]
    line = refused(trainer, rows, max_length=20)
    has(line, f"rows.jsonl row 3 ({KIND[trainer]}-2)", "more than max_length 20", "too_long: drop")


@pytest.mark.parametrize("trainer", TRAINERS)
def test_rows_longer_than_the_context(refused: Callable[..., str], trainer: str) -> None:
    rows = [*sound(trainer), row(KIND[trainer], "4" * CONTEXT, i=2)]
    line = refused(trainer, rows, max_length=8000)
    has(
        line, "rows.jsonl row 3", f"more than the {CONTEXT} that the model has positions for", "another model"
    )


@pytest.mark.parametrize("trainer", TRAINERS)
def test_nothing_is_short_enough(refused: Callable[..., str], trainer: str) -> None:
    rows = [row(KIND[trainer], "4" * 30, good, i) for i, good in enumerate((True, False))]
    line = refused(trainer, rows, max_length=20, too_long="drop")
    has(line, "to train on", "2", "longer than 20 tokens")


def without_template(model: Path) -> None:
    (model / "chat_template.jinja").unlink()


def without_end(model: Path) -> None:
    file = model / "tokenizer_config.json"
    settings = orjson.loads(file.read_bytes())
    del settings["eos_token"]
    file.write_bytes(orjson.dumps(settings))


def with_more_tokens(model: Path) -> None:
    file = model / "config.json"
    config = orjson.loads(file.read_bytes())
    file.write_bytes(orjson.dumps(config | {"vocab_size": 100}))


def reinforcing(**changes: Any) -> dict[str, Any]:
    """Settings of `train grpo` that are sound, and changes."""
    problems = {"scenario": "countdown", "set": ["dataset.split=train", "dataset.size=2"]}
    return {"problems": problems, "max_completion_length": 8, "max_length": 400, **changes}


@pytest.mark.parametrize("trainer", [*TRAINERS, "grpo"])
@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (without_end, ("has no end-of-text token", "eos_token")),
        (
            with_more_tokens,
            ("has ids up to 257", "embeddings for ids below 100 only", "put the tokenizer beside"),
        ),
    ],
)
def test_a_tokenizer_that_does_not_fit_the_model(
    refused: Callable[..., str], trainer: str, change: Callable[[Path], None], parts: Sequence[str]
) -> None:
    settings = reinforcing() if trainer == "grpo" else {}
    rows = None if trainer == "grpo" else sound(trainer)
    has(refused(trainer, rows, change=change, **settings), "model", *parts)


def with_config(**changes: Any) -> Callable[[Path], None]:
    def change(model: Path) -> None:
        file = model / "config.json"
        file.write_bytes(orjson.dumps(orjson.loads(file.read_bytes()) | changes))

    return change


@pytest.mark.parametrize("trainer", ["sft", "prm"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_config(), "Error while deserializing header"),
        (with_config(hidden_size="x"), "Field 'hidden_size' expected int"),
        (with_config(hidden_act="nope"), "'nope' is not known"),
        (with_config(head_dim=7), "RoPE requires an even rotary dimension"),
    ],
)
def test_a_model_that_is_broken(
    refused: Callable[..., str], trainer: str, change: Callable[[Path], None], said: str
) -> None:
    has(refused(trainer, sound(trainer), change=change), "model cannot be loaded", said)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"hidden_size": "x"}, "Field 'hidden_size' expected int"),
        ({"hidden_size": -4}, "hidden size (-4)"),
        ({"head_dim": 7}, "RoPE requires an even rotary dimension"),
        ({"hidden_act": "nope"}, "'nope' is not known"),
        ({"num_attention_heads": 4, "num_key_value_heads": 3, "head_dim": 8}, "size of tensor"),
    ],
)
def test_a_model_that_cannot_be(refused: Callable[..., str], config: dict[str, Any], said: str) -> None:
    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1}
    line = refused("sft", sound("sft"), model={"config": small | config, "tokenizer": {"vocab_size": 300}})
    has(line, "model.config: ", said)


def test_the_directory_that_we_stand_in(refused: Callable[..., str]) -> None:
    has(refused("sft", sound("sft"), out="."), "is or holds the directory that you work in")


@pytest.mark.parametrize("trainer", CHAT_TRAINERS)
def test_a_tokenizer_without_a_chat_template(refused: Callable[..., str], trainer: str) -> None:
    settings = reinforcing() if trainer == "grpo" else {}
    rows = None if trainer == "grpo" else sound(trainer)
    line = refused(trainer, rows, change=without_template, **settings)
    has(line, "model: its tokenizer has no chat template", "chat_template.jinja")


@pytest.mark.parametrize("trainer", ["sft", "critic"])
def test_token_ids_of_another_tokenizer(refused: Callable[..., str], trainer: str) -> None:
    line = refused(trainer, [row("chats"), row("ids", i=1) | {"tokenizer": "0123456789abcdef"}])
    has(line, "rows.jsonl row 2 (ids-1)", "another tokenizer", "export again")


#: Rows of each trainer in which nothing is learned, and what is said of it.
EMPTY: dict[str, tuple[Row, str]] = {
    "sft": (
        row("chats", i=9) | {"trained": [False, False]},
        "no assistant message with text is marked as trained",
    ),
    "critic": (row("chats", "", i=9), "no assistant message with text is marked as trained"),
    "dpo": (row("pairs", "", i=9), "nothing to learn in `chosen`"),
    "kto": (row("judged", "", i=9), "nothing to learn in `completion`"),
}


@pytest.mark.parametrize("trainer", EMPTY)
@pytest.mark.parametrize("before", [0, 1])
def test_a_row_without_anything_to_learn(refused: Callable[..., str], trainer: str, before: int) -> None:
    empty, complaint = EMPTY[trainer]
    line = refused(trainer, [*sound(trainer)[:before], empty])
    has(line, f"rows.jsonl row {before + 1} ({empty['id']})", "nothing to learn", complaint)


def test_a_side_all_of_which_is_shared(refused: Callable[..., str]) -> None:
    forked = row("pairs", "54", i=9) | {"shared": 1, "rejected_finished": False}
    has(
        refused("dpo", [row("pairs"), forked]),
        "row 2 (pairs-9)",
        "nothing to learn in `rejected`",
        "leave the row",
    )


@pytest.mark.parametrize("trainer", ["prm", "orm"])
def test_solutions_without_labels(refused: Callable[..., str], trainer: str) -> None:
    rows = [row("steps", i=i) | {"labels": [None]} for i in range(2)]
    has(refused(trainer, rows), "none of the 2 solutions has a label to learn from", "label them again")


def test_pairs_that_are_all_equal(refused: Callable[..., str]) -> None:
    line = refused("dpo", [row("pairs", "5", i=i) for i in range(3)])
    has(line, "no pairs to train on", "of 3 both sides are equal", "export pairs that differ")


@pytest.mark.parametrize("trainer", ["kto", "prm", "orm"])
@pytest.mark.parametrize("good", [True, False])
def test_labels_that_are_all_the_same(refused: Callable[..., str], trainer: str, good: bool) -> None:
    line = refused(trainer, [row(KIND[trainer], good=good, i=i) for i in range(3)])
    right, wrong = ("true", "false") if trainer == "kto" else ("says right", "says wrong")
    has(line, right if good else wrong, "add ")


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"corpora": [{"path": "a", "kind": "journey"}]}, ("train.yaml: corpora", "at most 0")),
        ({"batch": 9}, ("train.yaml", "9 solutions", "multiple of num_generations, 8")),
        (
            {"problems": {"scenario": "countdown"}},
            ("countdown", "dataset.split is eval", "dataset.split=train"),
        ),
        ({"problems": {"scenario": "countdawn"}}, ("countdawn", "countdown")),
        ({"max_length": 8}, ("max_completion_length: 8 tokens leave no room", "lower it")),
        (
            {"max_length": 900},
            ("problem countdown-7-", f"more than the {CONTEXT} that the model has positions"),
        ),
        (
            {"max_length": 30, "too_long": "drop"},
            ("problems: none to train on; all 2", "longer than 22 tokens"),
        ),
    ],
)
def test_problems_that_cannot_be_trained_on(
    refused: Callable[..., str], changes: dict[str, Any], parts: Sequence[str]
) -> None:
    has(refused("grpo", **reinforcing(**changes)), *parts)


@pytest.mark.parametrize(
    ("scorer", "parts"),
    [("none", ("no scorer says", "dataset.scorer")), ("exact", ("problem", "has no gold answer"))],
)
def test_problems_that_nobody_can_score(
    refused: Callable[..., str], tmp_path: Path, scorer: str, parts: Sequence[str]
) -> None:
    (tmp_path / "problems.jsonl").write_text('{"question": "2+2?"}\n')
    dataset = f"dataset={{kind: file, answer: null, scorer: {scorer}}}"
    problems = {"scenario": "countdown", "set": [dataset, "dataset.path=problems.jsonl"]}
    has(refused("grpo", **reinforcing(problems=problems)), *parts)
