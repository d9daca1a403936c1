from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from longthought.agents.errors import UsageError
from longthought.protocols.transcript import Transcript
from longthought.synth.derive.derivation import Derivation, Dropped
from longthought.synth.derive.kinds import derivation
from longthought.synth.derive.rows import PreferenceRow, Row, SftRow
from longthought.synth.perplexities import load_perplexities
from tests.synth.scripted_runs import Script, transcript_of

#: What the right samples say before the answer, by epoch.
STEPS = ("2+2", "2+2 is the sum of two and two", "2+2 again", "count on from three and stop at four")
VALUES = {0: 3.0, 1: 9.0, 2: 5.0, 3: 7.0, 4: 4.0, 5: 2.0, 6: 6.0}


@pytest.fixture
def samples(tmp_path: Path) -> list[Transcript]:
    """Four right samples and three wrong ones."""
    said = [(step, 4) for step in STEPS] + [(f"guess {i}", 5) for i in range(3)]
    return [
        transcript_of(
            tmp_path / str(epoch),
            Script([step, f"answer: {answer}"], ["continue", "terminate solved"], epoch=epoch),
        )
        for epoch, (step, answer) in enumerate(said)
    ]


@pytest.fixture
def values(tmp_path: Path) -> str:
    file = tmp_path / "values.jsonl"
    lines = [{"id": f"p#{epoch}", "journey": value} for epoch, value in VALUES.items()]
    file.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in [{"perplexity_of": "m"}, *lines]))
    return str(file)


def ids(kind: Derivation, samples: list[Transcript]) -> list[str]:
    return [row.id for row in kind.rows(samples) if isinstance(row, Row)]


def reasons(kind: Derivation, samples: list[Transcript]) -> list[str]:
    return [row.reason for row in kind.rows(samples) if isinstance(row, Dropped)]


@pytest.mark.parametrize(
    ("options", "picked"),
    [
        ({"pick": "shortest", "of": "shortcut"}, ["p#0", "p#2"]),
        ({"pick": "longest", "of": "shortcut"}, ["p#3", "p#1"]),
        ({"pick": "low_perplexity"}, ["p#0", "p#2"]),
        ({"pick": "high_perplexity"}, ["p#1", "p#3"]),
        ({"pick": "high_perplexity", "max_perplexity": 8}, ["p#3", "p#2"]),
        ({"pick": "low_perplexity", "min_perplexity": 4}, ["p#2", "p#3"]),
        ({"pick": "shortest", "of": "shortcut", "min_length": 60}, ["p#1", "p#3"]),
        ({"pick": "longest", "of": "shortcut", "max_length": 60}, ["p#2", "p#0"]),
    ],
)
def test_the_pick_is_by_length_or_perplexity_within_windows(
    samples: list[Transcript], values: str, options: dict[str, Any], picked: list[str]
) -> None:
    by_value = any("perplexity" in str(item) for pair in options.items() for item in pair)
    kind = derivation("rejection", {"n": 2, **options, **({"perplexities": values} if by_value else {})})
    assert ids(kind, samples) == picked


def test_what_is_not_picked_is_counted(samples: list[Transcript]) -> None:
    kind = derivation("rejection", {"pick": "shortest"})
    assert sorted(reasons(kind, samples)) == ["not picked"] * 3 + ["not solved"] * 3


def test_the_most_diverse_are_unlike_each_other(samples: list[Transcript]) -> None:
    for seed in range(5):
        kind = derivation("rejection", {"pick": "most_diverse", "n": 2, "of": "shortcut", "seed": seed})
        picked = ids(kind, samples)
        assert len(picked) == len(set(picked)) == 2
        # The fourth shares no word with the others but those of the frame.
        assert "p#3" in picked


def test_a_random_pick_depends_on_the_seed_only(samples: list[Transcript]) -> None:
    picks = [ids(derivation("rejection", {"seed": seed}), samples) for seed in (0, 0, 1, 2, 3, 4)]
    assert picks[0] == picks[1]
    assert len({tuple(pick) for pick in picks}) > 1


def test_stills_pairs_are_perplexing_right_ones_against_unperplexing_wrong_ones(
    samples: list[Transcript], values: str
) -> None:
    kind = derivation("preference", {"by": "perplexity", "perplexities": values, "pairs": 2})
    assert ids(kind, samples) == ["p#1>5", "p#3>4"]


def test_thoughts_alone_have_neither_answer_nor_end(samples: list[Transcript]) -> None:
    kind = derivation("preference", {"part": "thought", "of": "shortcut", "pairs": 1})
    (row,) = (row for row in kind.rows(samples) if isinstance(row, PreferenceRow))
    for side in (row.chosen, row.rejected):
        assert side[0]["content"].startswith("<think>\n")
        assert "</think>" not in side[0]["content"]
        assert side[0]["content"].splitlines()[-1].startswith("answer:")
    assert (row.chosen_finished, row.rejected_finished) == (False, False)


def test_a_debate_without_a_value_is_left_out(samples: list[Transcript], tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    lines = [{"id": "p#0", "run": "elsewhere", "journey": 2.0}, {"id": "p#1", "journey": None}]
    file.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    for name, options in (("rejection", {"pick": "low_perplexity"}), ("preference", {"by": "perplexity"})):
        kind = derivation(name, {**options, "perplexities": str(file)})
        assert ids(kind, samples) == []
        assert reasons(kind, samples).count("no perplexity") >= 4


def test_a_runs_own_value_comes_before_one_for_any_run(tmp_path: Path) -> None:
    file = tmp_path / "both.jsonl"
    lines = [{"id": "p#0", "journey": 2.0}, {"id": "p#0", "run": "mine", "journey": 3.0, "shortcut": 4.0}]
    file.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    values = load_perplexities(str(file))
    assert values.of("p#0", "mine", "journey") == 3.0
    assert values.of("p#0", "mine", "shortcut") == 4.0
    assert values.of("p#0", "other", "journey") == 2.0
    assert values.of("p#0", "other", "shortcut") is None
    assert values.of("p#1", "mine", "journey") is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", ":1: not JSON"),
        ('{"id": "p#0", "journey": 2}\n[]', ":2: Input should be"),
        ('{"id": "p#0", "journey": -1}', ":1: journey: Input should be greater than 0"),
    ],
)
def test_a_broken_file_of_perplexities_is_one_clear_line(
    samples: list[Transcript], tmp_path: Path, text: str, complaint: str
) -> None:
    file = tmp_path / "values.jsonl"
    file.write_text(text)
    kind = derivation("rejection", {"pick": "low_perplexity", "perplexities": str(file)})
    with pytest.raises(UsageError) as error:
        list(kind.rows(samples))
    assert str(error.value).startswith(f"perplexities: {file}{complaint}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("kind", "options", "complaint"),
    [
        ("rejection", {"pick": "low_perplexity"}, "`perplexities: FILE` is needed"),
        ("rejection", {"max_perplexity": 9}, "`perplexities: FILE` is needed"),
        ("preference", {"by": "perplexity"}, "`by: perplexity` and `perplexities: FILE` go together"),
        ("preference", {"perplexities": "f"}, "go together"),
    ],
)
def test_perplexities_are_asked_for(kind: str, options: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        derivation(kind, options)


def test_masks_reach_the_rows(samples: list[Transcript]) -> None:
    kind = derivation("rejection", {"mask": "policy-only", "n": 1})
    (row,) = (row for row in kind.rows(samples) if isinstance(row, SftRow))
    (span,) = row.masked
    hidden = row.messages[1]["content"][span["start"] : span["end"]]
    assert hidden.strip() in ("That settles it.", "Good, that works.", "So this is the answer.")
