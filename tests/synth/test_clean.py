from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.synth.clean.balance import Balance
from longthought.synth.clean.contamination import Contamination
from longthought.synth.clean.exact import Exact
from longthought.synth.clean.filters import FILTERS, filters, read_filters, set_filters, with_evaluation_files
from longthought.synth.clean.languages import Languages, scripts
from longthought.synth.clean.near import Near
from longthought.synth.clean.passes import Origin, Pass, answered, asked, texts
from longthought.synth.clean.question_files import questions
from longthought.synth.clean.repetition import loops, repeated_share
from longthought.synth.corpus.export import export
from longthought.synth.corpus.manifest import Manifest
from longthought.synth.corpus.recipe import share_of
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import PreferenceRow, SftRow, StepRow
from longthought.synth.perplexities import load_perplexities
from tests.synth.corpus_files import hashes, lines, solved, write

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=60)


def row(text: str, question: str = "What is 2+2?", id: str = "p#0") -> SftRow:
    return SftRow(
        id=id,
        problem="p",
        run="run",
        outcome="solved",
        informed=False,
        messages=[{"role": "user", "content": question}, {"role": "assistant", "content": text}],
        trained=[False, True],
    )


def origin(question: str = "What is 2+2?", **metadata: Any) -> Origin:
    return Origin("journey", Problem(id="p", question=question, metadata=metadata))


def one(name: str, **options: object) -> Pass:
    (made,) = filters({name: options})
    assert isinstance(made, Pass)
    return made


def why(name: str, text: str, **options: object) -> str | None:
    """Why a row with this text is dropped."""
    made = one(name, **options)(row(text), origin())
    return made.reason if isinstance(made, Dropped) else None


def kept(tmp_path: Path, transcripts: list[Any], filters: dict[str, object]) -> tuple[list[str], Manifest]:
    """Ids of the rows that an export with these filters keeps, and its manifest."""
    source = write(tmp_path / "run.jsonl", transcripts)
    manifest = export(source, tmp_path / "out", ["shortcut"], ["jsonl"], filters=filters)
    return [row["id"] for row in lines(tmp_path / "out" / "shortcut" / "train.jsonl")], manifest


# --- texts of rows ----------------------------------------------------------------------------------------------


def test_every_shape_of_row_has_its_texts() -> None:
    about: dict[str, Any] = {"id": "i", "problem": "p", "run": "r", "outcome": "solved", "informed": False}
    pair = PreferenceRow(
        **about,
        prompt=[{"role": "user", "content": "q"}],
        chosen=[{"role": "assistant", "content": "good"}],
        rejected=[{"role": "assistant", "content": "bad"}],
    )
    steps = StepRow(**about, prompt="q", completions=["one", "two"], labels=[True, False])
    for made, said in ((row("a", "q"), ["a"]), (pair, ["good", "bad"]), (steps, ["one", "two"])):
        assert list(asked(made)) == ["q"]
        assert list(answered(made)) == said
        assert list(texts(made)) == ["q", *said]


# --- filters of one row -----------------------------------------------------------------------------------------


def test_length_window_in_characters_and_tokens() -> None:
    size = len("What is 2+2?") + len("four")
    assert why("length", "four", min=size, max=size) is None
    assert why("length", "four", min=size + 1) == f"length: fewer than {size + 1} characters"
    assert why("length", "four", max=size - 1) == f"length: more than {size - 1} characters"
    transformers = pytest.importorskip("transformers")
    model = str(ROOT / "agents" / "embedded" / "lm")
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    tokens = sum(
        len(tokenizer(text, add_special_tokens=False).input_ids) for text in ("What is 2+2?", "four")
    )
    assert why("length", "four", max=tokens, tokenizer=model) is None
    assert why("length", "four", max=tokens - 1, tokenizer=model) == f"length: more than {tokens - 1} tokens"
    assert one("length", max=9, tokenizer=model).account() == {"max": 9, "tokenizer": "lm"}
    with pytest.raises(UsageError, match="no tokenizer at /nowhere"):
        why("length", "four", max=9, tokenizer="/nowhere")


def test_repetition_sees_loops_and_shares() -> None:
    words = [f"w{i}" for i in range(400)]
    assert why("repetition", " ".join(words)) is None
    assert why("repetition", " ".join([*words, *["Wait, let me check that again."] * 5])) == (
        "repetition: a loop of 5 rounds or more"
    )
    assert why("repetition", " ".join(words[:200] * 2)) == "repetition: more than 0.3 of its 10-grams repeat"
    assert why("repetition", " ".join(words[:200] * 2), max_share=0.6) is None


@given(
    before=WORDS,
    turn=st.sampled_from(
        [
            "round and round it goes",
            "a b c d a b c d e",
            "no no no no no yes",
            "so it is 4 and so it is 4 then",
        ]
    ),
    rounds=st.integers(2, 8),
    after=WORDS,
)
def test_a_planted_loop_is_never_missed(before: list[str], turn: str, rounds: int, after: list[str]) -> None:
    assert loops([*before, *turn.split() * rounds, *after]) >= rounds


@given(st.lists(st.sampled_from("ab"), max_size=40))
def test_rounds_are_no_more_than_there_are(words: list[str]) -> None:
    def alike(start: int, back: int) -> int:
        """So many words from here on stand ``back`` words before as well."""
        pairs = zip(words[start + back :], words[start:], strict=False)
        return next((n for n, (one, other) in enumerate(pairs) if one != other), len(words) - start - back)

    places = [(start, back) for back in range(1, len(words)) for start in range(len(words) - back)]
    rounds = (1 + alike(start, back) // max(back, 4) for start, back in places)
    assert loops(words) <= max(rounds, default=1)


@given(WORDS)
def test_distinct_words_never_repeat(words: list[str]) -> None:
    distinct = [f"{word}{at}" for at, word in enumerate(words)]
    assert loops(distinct) == 1
    assert repeated_share(distinct, 3) == 0
    assert 0 <= repeated_share(words, 3) < 1


@pytest.mark.parametrize(
    ("question", "text", "stays"),
    [
        ("What is 2+2?", "Let α be ∑ x, so 𝛼 = 4 and ℝ is a field.", True),
        ("What is 2+2?", "Let me see. 让我想想这个问题，它等于四。", False),
        ("2+2 等于多少？", "让我想想 x 等于四。 So it is four.", True),
        ("2+2は？", "それは漢字とカタカナで四です", True),
        ("Сколько будет 2+2?", "Это четыре", True),
        ("Сколько будет 2+2?", "Это 네 개입니다", False),
        ("What is 2+2?", "4 + 4 = 8", True),
    ],
)
def test_languages_mix_is_told_by_scripts(question: str, text: str, stays: bool) -> None:
    made = Languages()(row(text, question), origin(question))
    assert isinstance(made, SftRow) == stays


@given(st.text())
def test_any_text_has_its_scripts(text: str) -> None:
    assert scripts(text).total() <= sum(character.isalpha() for character in text)


EVALUATION = "A farmer has 17 sheep, and all but nine of them run away at night."


@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv"])
def test_decontamination_by_common_8_grams(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"eval.{suffix}"
    rows = [{"answer": "9", "problem": EVALUATION}, {"answer": "4", "problem": "2 + 2?"}]
    if suffix == "csv":
        with file.open("w", newline="") as out:
            writer = csv.DictWriter(out, ["answer", "problem"])
            writer.writeheader()
            writer.writerows(rows)
    else:
        file.write_text(json.dumps(rows) if suffix == "json" else "\n".join(map(json.dumps, rows)))
    cases = {
        "copy": EVALUATION,
        "shouted": f"Riddle: {EVALUATION.upper()} How many stay?",
        "seven": "She owns 17 sheep, and all but nine of hers run away at noon.",
        "eight": "My aunt has 17 sheep, and all but nine of hers too.",
        "short": "2 +  2",
        "other": "What is 2 + 3?",
    }
    transcripts = [solved(name, question=question) for name, question in cases.items()]
    ids, manifest = kept(tmp_path, transcripts, {"contamination": {"files": [str(file)]}})
    assert ids == ["seven#0", "other#0"]
    assert manifest.kinds["shortcut"].dropped == {
        "contamination: shares 8 words in a row with an evaluation question": 4
    }
    told = manifest.filters["contamination"]["files"]
    assert told == [{"name": file.name, "sha256": hashes(tmp_path)[file.name]}]
    assert str(tmp_path) not in (tmp_path / "out" / "manifest.json").read_text()


def test_decontamination_finds_a_test_set_in_itself_and_little_of_it_in_training_data() -> None:
    tests, train = DATA / "gsm8k" / "test.jsonl", DATA / "gsm8k" / "train.jsonl"
    if not tests.is_file() or not train.is_file():
        pytest.skip("needs ../shared/data/gsm8k")
    check = one("contamination", files=[str(tests)])

    def share(file: Path) -> float:
        questions = [
            json.loads(line)["question"] for line in file.read_text("utf-8").split("\n")[:300] if line
        ]
        return sum(isinstance(check(row("x"), origin(q)), Dropped) for q in questions) / len(questions)

    assert share(tests) == 1.0
    assert share(train) < 0.1


def test_perplexity_window(tmp_path: Path) -> None:
    file = tmp_path / "perplexity.jsonl"
    values = {"a": 1.5, "b": 3, "c": 9.5, "e": None}
    file.write_text(
        "".join(json.dumps({"id": f"{name}#0", "journey": v}) + "\n" for name, v in values.items() if v)
    )
    transcripts = [solved(name) for name in "abcd"]
    window = {"file": str(file), "min": 2, "max": 9}
    ids, manifest = kept(tmp_path, transcripts, {"perplexity": window})
    assert ids == ["b#0"]
    assert manifest.kinds["shortcut"].dropped == {
        "perplexity: above 9": 1,
        "perplexity: below 2": 1,
        "perplexity: not known": 1,
    }
    assert kept(tmp_path, transcripts, {"perplexity": {**window, "unknown": "keep"}})[0] == ["b#0", "d#0"]


# --- filters that know the rows before ---------------------------------------------------------------------------


def test_exact_duplicates_leave_the_first(tmp_path: Path) -> None:
    same = "What is 2 and 2?"
    transcripts = [
        solved("a", "It is four.", question=same),
        solved("b", "it  is\nFOUR.", question=same),
        solved("c", "It is five.", question=same),
        solved("d", "It is four.", question="What is 1 and 3?"),
    ]
    ids, manifest = kept(tmp_path, transcripts, {"exact": {}})
    assert ids == ["a#0", "c#0", "d#0"]
    assert manifest.kinds["shortcut"].dropped == {"exact: the same as a row before": 1}


def test_labels_are_part_of_what_is_the_same() -> None:
    about: dict[str, Any] = {"id": "i", "problem": "p", "run": "r", "outcome": "solved", "informed": False}
    right = StepRow(**about, prompt="q", completions=["one"], labels=[True])
    wrong = StepRow(**about, prompt="q", completions=["one"], labels=[False])
    again = StepRow(**about, prompt="Q", completions=[" one"], labels=[True])
    marks = [Exact().mark(made, origin()) for made in (right, wrong, again)]
    assert marks[0] == marks[2] != marks[1]


def test_near_duplicates_leave_the_first(tmp_path: Path) -> None:
    pytest.importorskip("datasketch")
    story = " ".join(f"step {at} adds {at * at % 97} to the sum" for at in range(60))
    transcripts = [
        solved("a", story, question="Add them up"),
        solved("b", story.replace("step 31", "part 31"), question="Add them up"),
        solved("c", story[::-1], question="Add them up"),
    ]
    ids, manifest = kept(tmp_path, transcripts, {"near": {"threshold": 0.7}})
    assert ids == ["a#0", "c#0"]
    assert manifest.filters["near"]["threshold"] == 0.7
    assert kept(tmp_path, transcripts, {"exact": {}})[0] == ["a#0", "b#0", "c#0"]


def test_near_marks_depend_on_the_text_and_the_seed() -> None:
    pytest.importorskip("datasketch")
    text = " ".join(f"w{at}" for at in range(50))
    one, again = (Near(hashes=32).mark(row(text), origin()) for _ in range(2))
    other = Near(hashes=32, seed=2).mark(row(text), origin())
    assert one == again != other


def test_balance_brings_buckets_to_a_ratio(tmp_path: Path) -> None:
    transcripts = [
        solved(f"{level}{at}", level=level)
        for level, number in (("easy", 30), ("hard", 10), ("odd", 4))
        for at in range(number)
    ]

    def counts(**options: object) -> dict[str, int]:
        ids, _ = kept(tmp_path, transcripts, {"balance": {"by": "level", **options}})
        names = [re.sub(r"\d+#0", "", id) for id in ids]
        return {name: names.count(name) for name in dict.fromkeys(names)}

    assert counts(ratio="even") == {"easy": 4, "hard": 4, "odd": 4}
    assert counts(ratio={"easy": 2, "hard": 1}) == {"easy": 20, "hard": 10}
    assert counts(cap=6) == {"easy": 6, "hard": 6, "odd": 4}
    assert counts(ratio={"easy": 2, "hard": 1}, cap=12) == {"easy": 12, "hard": 10}


def test_balance_draws_by_its_seed_and_not_by_the_order(tmp_path: Path) -> None:
    transcripts = [solved(f"p{at}", level=1) for at in range(20)]
    drawn, _ = kept(tmp_path, transcripts, {"balance": {"by": "level", "cap": 5}})
    turned, _ = kept(tmp_path, transcripts[::-1], {"balance": {"by": "level", "cap": 5}})
    other, _ = kept(tmp_path, transcripts, {"balance": {"by": "level", "cap": 5, "seed": 1}})
    assert len(drawn) == 5
    assert set(drawn) == set(turned) != set(other)


def test_balance_counts_what_other_filters_leave(tmp_path: Path) -> None:
    transcripts = [solved(f"e{at}", question="same", level="easy") for at in range(9)]
    transcripts += [solved(f"h{at}", level="hard") for at in range(3)]
    ids, manifest = kept(tmp_path, transcripts, {"exact": {}, "balance": {"by": "level", "ratio": "even"}})
    assert len(ids) == 2
    assert manifest.kinds["shortcut"].dropped == {
        "balance: enough of hard": 2,
        "exact: the same as a row before": 8,
    }


def test_numbers_are_balanced_by_ranges() -> None:
    balance = Balance(by="of.difficulty", cap=1, edges=(0.3, 0.7))
    buckets = [balance.mark(row("x"), origin(of={"difficulty": d}))[0] for d in (0.1, 0.3, 0.69, 1)]
    assert buckets == ["below 0.3", "from 0.3 below 0.7", "from 0.3 below 0.7", "from 0.7"]
    assert balance.mark(row("x"), origin())[0] == "none"


# --- all of them ------------------------------------------------------------------------------------------------


def test_a_filter_looks_at_the_kinds_that_it_is_told(run: Path, tmp_path: Path) -> None:
    source, out = run, tmp_path / "out"
    asked = {"length": {"max": 1, "kinds": ["journey"]}, "exact": {"kinds": ["shortcut"]}}
    manifest = export(source, out, ["shortcut", "journey"], ["jsonl"], filters=asked)
    assert manifest.kinds["shortcut"].rows == {"train": 3}
    assert manifest.kinds["journey"].rows == {}
    assert manifest.filters == {
        "length": {"kinds": ["journey"], "max": 1},
        "exact": {"kinds": ["shortcut"]},
    }
    with pytest.raises(UsageError, match=r"length\.kinds: dialogue is not among the kinds"):
        export(source, out, ["shortcut"], filters={"length": {"max": 1, "kinds": ["dialogue"]}})


def test_some_of_what_is_dropped_is_shown(tmp_path: Path) -> None:
    source = write(tmp_path / "run.jsonl", [solved(f"p{at}", question="same") for at in range(9)])
    told: list[tuple[str, str, str]] = []
    export(
        source,
        tmp_path / "out",
        ["shortcut"],
        ["jsonl"],
        filters={"exact": {}},
        show_dropped=2,
        on_dropped=lambda kind, reason, text: told.append((kind, reason, text)),
    )
    assert [(kind, reason) for kind, reason, _ in told] == [
        ("shortcut", "exact: the same as a row before")
    ] * 2
    assert [text.partition(":")[0] for _, _, text in told] == ["p1#0", "p2#0"]
    assert "same" in told[0][2]


def test_a_reason_that_comes_late_is_shown_too(tmp_path: Path) -> None:
    many = [solved("p", "2+2 is 4, and that is long", epoch=at) for at in range(80)]
    source = write(tmp_path / "run.jsonl", [*many, solved("p", "4", epoch=80), solved("q", "2+2 is 4")])
    told: list[str] = []
    export(
        source,
        tmp_path / "out",
        ["shortcut"],
        ["jsonl"],
        filters={"length": {"min": 40, "max": 50}},
        show_dropped=1,
        on_dropped=lambda kind, reason, text: told.append(reason),
    )
    assert sorted(told) == ["length: fewer than 40 characters", "length: more than 50 characters"]


@pytest.mark.parametrize(
    ("asked", "files"),
    [
        ({}, ["new"]),
        ({"contamination": None}, ["new"]),
        ({"contamination": {"files": ["old"], "n": 3}}, ["old", "new"]),
    ],
)
def test_evaluation_files_come_to_those_that_are_named(asked: dict[str, object], files: list[str]) -> None:
    (made,) = filters(with_evaluation_files(asked, [Path("new")]))
    assert isinstance(made, Contamination)
    assert [str(file) for file in made.files] == files


@pytest.mark.parametrize("options", [{"files": "old"}, {"files": 3}, 5])
def test_evaluation_files_do_not_hide_a_mistake(options: object) -> None:
    with pytest.raises(UsageError, match="filters: contamination"):
        filters(with_evaluation_files({"contamination": options}, [Path("new")]))


def test_filters_come_from_a_file_and_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "filters.yaml"
    file.write_text("filters:\n  length: {max: 10}\n  exact:\n")
    asked = set_filters(read_filters(file), ["length.min=3", "near", "balance.by=level", "balance.cap=2"])
    assert asked == {
        "length": {"max": 10, "min": 3},
        "exact": None,
        "near": {},
        "balance": {"by": "level", "cap": 2},
    }
    assert [made.name for made in filters(asked)] == ["length", "exact", "near", "balance"]
    assert {made.name for made in FILTERS.values()} == FILTERS.keys()


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"smell": {}}, "there is no 'smell'; there are length, contamination, perplexity"),
        ({"length": {}}, "length: Value error, name a min, a max, or both"),
        ({"length": {"min": 5, "max": 2}}, "max 2 is below min 5"),
        ({"exact": {"fuzzy": True}}, r"exact\.fuzzy: Extra inputs"),
        ({"exact": 3}, "exact: Input should be"),
        ({"balance": {"by": "x"}}, "name a cap, a ratio, or both"),
        ({"balance": {"by": "x", "cap": 1, "edges": [2, 1]}}, "edges rise"),
        ({"balance": {"by": "x", "ratio": {"a": 0}}}, "above 0"),
        ({"perplexity": {"file": "x"}}, "name a min, a max, or both"),
        ({"contamination": {"files": ["/nowhere.jsonl"]}}, "/nowhere.jsonl: No such file"),
        ({"perplexity": {"file": "/nowhere.jsonl", "max": 1}}, "/nowhere.jsonl: No such file"),
    ],
)
def test_a_wrong_filter_is_one_clear_line(
    run: Path, tmp_path: Path, asked: dict[str, object], complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint) as error:
        export(run, tmp_path / "out", ["shortcut"], ["jsonl"], filters=asked)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("e.jsonl", '{"question": "a"}\n{broken', "e.jsonl:2: not JSON"),
        ("e.jsonl", '{"title": "a"}\n', "e.jsonl:1: no text in column question or .*; columns: title"),
        ("e.jsonl", "[1]\n", "e.jsonl:1: expected an object with named columns"),
        ("e.json", '{"question": "a"}', "expected a list of records"),
        ("e.txt", "question", "is none of .jsonl"),
        ("e.csv", "a,b\n1,2\n", "e.csv:2: no text in column"),
    ],
)
def test_a_broken_evaluation_file_is_one_clear_line(
    run: Path, tmp_path: Path, name: str, content: str, complaint: str
) -> None:
    (tmp_path / name).write_text(content)
    asked = {"contamination": {"files": [str(tmp_path / name)]}}
    with pytest.raises(UsageError, match=complaint):
        export(run, tmp_path / "out", ["shortcut"], ["jsonl"], filters=asked)


@pytest.mark.parametrize(
    "line", ['{"journey": 1}', '{"id": 3, "journey": 1}', '{"id": "a", "journey": true}', "no"]
)
def test_a_broken_perplexity_file_names_the_line(run: Path, tmp_path: Path, line: str) -> None:
    (tmp_path / "p.jsonl").write_text(f'{{"id": "x", "journey": 1}}\n{line}\n')
    asked = {"perplexity": {"file": str(tmp_path / "p.jsonl"), "max": 1}}
    with pytest.raises(UsageError, match=r"p\.jsonl:2: "):
        export(run, tmp_path / "out", ["shortcut"], ["jsonl"], filters=asked)


@pytest.mark.parametrize(
    "given",
    ["length", "length.max", "=3", ".max=3", "length.=3", "length.max=[", "length.max=2024-13-45", "x=1"],
)
def test_a_misspelt_filter_option_is_one_clear_line(given: str) -> None:
    if given == "length":  # a name alone is right; its options are complained of later
        assert set_filters({}, [given]) == {"length": {}}
        return
    with pytest.raises(UsageError, match="--filter") as error:
        set_filters({}, [given])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", ["- a", "3", "a: [", ""])
def test_a_broken_filter_file_is_one_clear_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "f.yaml").write_text(content)
    with pytest.raises(UsageError, match=r"f\.yaml: ") as error:
        read_filters(tmp_path / "f.yaml")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "other",
    [{"instruction": "{}", "input": ""}, {"question": "", "problem": "{}"}, {"prompt": " ", "text": "{}"}],
)
def test_questions_are_in_the_first_column_that_has_any(tmp_path: Path, other: dict[str, str]) -> None:
    file = tmp_path / "evaluation.jsonl"
    file.write_text(json.dumps({name: text.format("What is 2+2?") for name, text in other.items()}) + "\n")
    assert list(questions(file)) == ["What is 2+2?"]
    file.write_text(json.dumps(dict.fromkeys(other, "")) + "\n")
    with pytest.raises(UsageError, match="no text in column question or problem"):
        list(questions(file))


def test_a_level_that_is_a_number_is_a_bucket(tmp_path: Path) -> None:
    made = Balance.model_validate({"by": "level", "ratio": {3: 1, 4: 2}})
    assert made.quotas({"3": 5, "4": 20}) == {"3": 5, "4": 10}
    for share in (float("inf"), 1e-320, float("nan")):
        with pytest.raises(ValueError, match="above 0"):
            Balance.model_validate({"by": "level", "ratio": {"3": share}})


def test_questions_that_are_one_are_in_one_split() -> None:
    assert share_of("What is 2+2?") == share_of("what is  2+2?\n") != share_of("What is 2+3?")


def test_a_file_that_was_changed_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "values.jsonl"
    told = '{"id": "p#0", "run": "", "journey": %s}\n'
    for value in (3.0, 30.0):
        file.write_text(told % value)
        assert load_perplexities(str(file)).of("p#0", "run", "journey") == value
