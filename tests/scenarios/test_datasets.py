"""Problem sets: generators with disjoint splits, rows of files, and what is said of bad ones."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.rewards.countdown import alive, puzzle_of
from longthought.agents.rewards.scorers import scorer_named
from longthought.scenarios.dataset_gym import Split
from longthought.scenarios.datasets import DatasetSpec, load_problems
from longthought.synth.clean.same_problem import entry_key

DATA = Path(__file__).parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the real data are not here")
SMALL = {"min_numbers": 3, "max_numbers": 3, "max_value": 30, "min_target": 10, "max_target": 100}


def _spec(**fields: Any) -> DatasetSpec:
    adapter: TypeAdapter[DatasetSpec] = TypeAdapter(DatasetSpec)
    return adapter.validate_python(fields)


def _load(base_dir: Path = Path(), **fields: Any) -> list[Problem]:
    return list(load_problems(_spec(**fields), base_dir))


def _countdown(size: int, split: Split, seed: int = 0) -> list[Problem]:
    return _load(kind="reasoning-gym", task="countdown", size=size, seed=seed, split=split, options=SMALL)


def _keys(problems: list[Problem]) -> set[str]:
    return {entry_key(problem.metadata["entry"]) for problem in problems}


async def test_generated_problems_carry_what_their_scorer_needs() -> None:
    problems = _countdown(20, "all")
    assert len({problem.id for problem in problems}) == len(_keys(problems)) == 20
    first = problems[0]
    assert (first.id, first.scorer) == ("countdown-0-0", "reasoning-gym:countdown")
    assert first.gold is not None
    assert (await scorer_named("countdown").score(first.gold, first)).value == 1.0
    assert Problem.model_validate_json(first.model_dump_json()) == first
    puzzle = puzzle_of(first)
    assert puzzle is not None
    assert len(puzzle.numbers) == 3
    assert str(puzzle.target) in first.question


def test_splits_are_disjoint_whatever_the_seed() -> None:
    eval_keys = _keys(_countdown(12, "eval")) | _keys(_countdown(12, "eval", seed=1))
    train_keys = _keys(_countdown(300, "train")) | _keys(_countdown(300, "train", seed=1))
    assert not eval_keys & train_keys


def test_the_same_seed_gives_the_same_problems_and_the_next_one_others() -> None:
    assert _countdown(30, "train")[:10] == _countdown(10, "train")
    assert len(_keys(_countdown(30, "all")) & _keys(_countdown(30, "all", seed=1))) <= 2


def test_other_tasks_are_told_apart_by_their_question() -> None:
    problems = _load(kind="reasoning-gym", task="gcd", size=8, split="train", scorer="exact")
    assert len({problem.question for problem in problems}) == 8
    assert {problem.scorer for problem in problems} == {"exact"}


def test_problems_come_as_they_are_asked_for() -> None:
    endless = load_problems(_spec(kind="reasoning-gym", task="countdown", size=10**6), Path())
    assert len(list(islice(endless, 3))) == 3


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"task": "countdwn"}, "dataset.task: reasoning-gym has no task 'countdwn'; near: countdown"),
        ({"options": {"numbers": 3}}, "dataset.options: countdown takes no numbers; it takes: max_numbers, "),
        ({"options": {"min_numbers": 1}}, "dataset.options: countdown refuses them: min_numbers must be "),
        (
            {"task": "coin_flip", "options": {"min_trials": 3, "max_trials": 3}, "size": 50},
            "dataset.size: reasoning-gym task 'coin_flip' with these options has only ",
        ),
    ],
)
def test_what_is_wrong_with_a_generator(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        _load(kind="reasoning-gym", **fields)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="sise"):
        _spec(kind="reasoning-gym", sise=3)
    with pytest.raises(ValidationError, match="kind"):
        _spec(kind="excel", path="x.xls")


def _write(tmp_path: Path, name: str, *rows: object) -> str:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    return name


def test_json_lines_split_on_line_feeds_alone(tmp_path: Path) -> None:
    rows = [{"question": "one\u2028line\u0085", "answer": 1}, {"question": "two", "answer": None}]
    path = _write(tmp_path, "set.jsonl", rows[0], "", rows[1])
    first, second = _load(tmp_path, kind="file", path=path, scorer="exact")
    assert (first.id, first.question, first.gold) == ("set-1", "one\u2028line", "1")
    assert (second.id, second.gold) == ("set-3", None)


def test_columns_can_be_named(tmp_path: Path) -> None:
    row = {"q": "2+2?", "a": "two and two\n#### 4", "key": "k/1", "level": [3]}
    fields = {"question": "q", "answer": "a", "answer_after": "####", "id": "key", "metadata": ["level"]}
    path = _write(tmp_path, "set.jsonl", row)
    (problem,) = _load(tmp_path, kind="file", path=path, scorer="math-verify", **fields)
    assert (problem.id, problem.question, problem.gold) == ("k/1", "2+2?", "4")
    assert (problem.scorer, problem.metadata) == ("math-verify", {"level": [3]})


def test_puzzles_from_a_table(tmp_path: Path) -> None:
    path = _write(tmp_path, "24.csv", "Rank,Puzzles", '1,"1 1 4 6"', '2,"1 1 11 11"')
    template = "Use the numbers {Puzzles} to reach 24."
    fields = {"template": template, "answer": None, "numbers": "Puzzles", "target": 24, "limit": 1}
    (problem,) = _load(tmp_path, kind="file", path=path, scorer="countdown", **fields)
    assert problem.question == "Use the numbers 1 1 4 6 to reach 24."
    assert problem.metadata == {"numbers": [1, 1, 4, 6], "target": 24}


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"question": ["1+1?", "2+2?"], "answer": ["2", "4"]})
    parquet.write_table(table, tmp_path / "set.parquet")
    problems = _load(tmp_path, kind="file", path="set.parquet")
    assert [(problem.id, problem.gold) for problem in problems] == [("set-1", "2"), ("set-2", "4")]


GOOD = {"question": "1+1?", "answer": "2"}


@pytest.mark.parametrize(
    ("rows", "fields", "said"),
    [
        ([GOOD, {"answer": "2"}], {}, "2: question: there is no column 'question', only: answer"),
        ([{"question": " ", "answer": "2"}], {}, "1: question: column 'question' is empty"),
        ([{"question": None}], {}, "1: question: column 'question' must hold text or a number, not NoneType"),
        ([{"question": "q"}], {}, "1: answer: there is no column 'answer', only: question"),
        (
            [{"question": "q", "answer": ["2"]}],
            {},
            "1: answer: column 'answer' must hold text or a number, not list",
        ),
        ([GOOD], {"answer_after": "####"}, "1: answer: nothing stands after '####' in column 'answer'"),
        ([GOOD], {"id": "key"}, "1: id: there is no column 'key', only: question, answer"),
        (
            [GOOD],
            {"template": "{Puzzle}?"},
            "1: template: there is no column 'Puzzle', only: question",
        ),
        ([GOOD], {"metadata": ["level"]}, "1: metadata: there is no column 'level', only: question, answer"),
        (
            [GOOD],
            {"numbers": "question", "target": 2},
            "1: numbers: column 'question' must hold whole",
        ),
        ([GOOD, '{"question": '], {}, "2: not JSON: Expecting value"),
        ([GOOD, "[1]"], {}, "2: a JSON object is needed, not list"),
        (["[" * 100_000], {}, "1: not JSON: maximum recursion depth"),
    ],
)
def test_what_is_wrong_with_a_row(
    tmp_path: Path, rows: list[object], fields: dict[str, Any], said: str
) -> None:
    path = _write(tmp_path, "set.jsonl", *rows)
    with pytest.raises(UsageError) as caught:
        _load(tmp_path, kind="file", path=path, **fields)
    assert str(caught.value).startswith(f"{tmp_path / path}:{said}")
    assert "\n" not in str(caught.value)


def test_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"dataset\.path: there is no file .*none\.jsonl"):
        _load(tmp_path, kind="file", path="none.jsonl")
    with pytest.raises(UsageError, match=r"set\.xls is none of \.jsonl, \.ndjson, \.csv, \.parquet"):
        _load(tmp_path, kind="file", path=_write(tmp_path, "set.xls", "x"))
    with pytest.raises(UsageError, match=r"torn\.csv:2: the row has not as many cells as the header"):
        _load(tmp_path, kind="file", path=_write(tmp_path, "torn.csv", "question,answer", "one"))
    with pytest.raises(UsageError, match=r"set\.parquet: not Parquet: "):
        _load(tmp_path, kind="file", path=_write(tmp_path, "set.parquet", "x" * 100))
    (tmp_path / "latin.jsonl").write_bytes(b'{"question": "caf\xe9"}')
    with pytest.raises(UsageError, match=r"latin\.jsonl:1: not JSON: 'utf-8' codec"):
        _load(tmp_path, kind="file", path="latin.jsonl")
    twice = _write(tmp_path, "twice.jsonl", GOOD, GOOD)
    with pytest.raises(UsageError, match=r"two problems have the id '1\+1\?'"):
        _load(tmp_path, kind="file", path=twice, id="question")


@pytest.mark.slow
def test_hugging_face_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = tmp_path / "local"
    folder.mkdir()
    _write(folder, "test.jsonl", GOOD)
    (problem,) = _load(kind="huggingface", name=str(folder), split="test", scorer="math-verify")
    assert (problem.id, problem.question, problem.gold) == ("local-test-1", "1+1?", "2")
    with pytest.raises(UsageError, match=r"dataset\.name: .*nowhere \(split test\) cannot be loaded: "):
        _load(kind="huggingface", name=str(tmp_path / "nowhere"))


@needs_data
@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"path": "gsm8k/test.jsonl", "answer_after": "####", "scorer": "math-verify"}, 1319),
        (
            {"path": "math500/test.jsonl", "question": "problem", "id": "unique_id", "metadata": ["level"]},
            500,
        ),
        ({"path": "game24/24.csv", "template": "24 from {Puzzles}", "answer": None, "id": "Rank"}, 1362),
        (
            {
                "path": "countdown/countdown_cd3_test.jsonl",
                "template": "{output} from {input}",
                "answer": None,
            },
            256,
        ),
    ],
)
def test_real_data(fields: dict[str, Any], count: int) -> None:
    if "countdown" in fields["path"]:
        fields = {**fields, "numbers": "input", "target": "output", "scorer": "countdown"}
    problems = _load(DATA, kind="file", **fields)
    assert len(problems) == count
    assert len({problem.id for problem in problems}) == count
    puzzles = [puzzle for problem in problems if (puzzle := puzzle_of(problem)) is not None]
    assert len(puzzles) == (count if "numbers" in fields else 0)
    assert all(alive(numbers, target) for numbers, target in puzzles)
