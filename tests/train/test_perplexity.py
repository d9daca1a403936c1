"""The values are the model's own, the file is whole at every line, and what is in it is not computed again."""

from __future__ import annotations

import fcntl
import math
from pathlib import Path
from typing import Any

import orjson
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from longthought.agents.decisions import Terminate
from longthought.agents.errors import UsageError
from longthought.agents.models.contract import Reply
from longthought.agents.problems import Problem
from longthought.agents.thoughts import Thought
from longthought.protocols.outcomes import Outcome
from longthought.protocols.transcript import Judgement, Transcript
from longthought.protocols.transcript_files import write_transcripts
from longthought.synth.perplexities import load_perplexities
from longthought.train import perplexity
from longthought.train.perplexity import Measured, measure_perplexities
from tests.synth.scripted_runs import DETOURS, Script, play_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A detour, a straight way, and a debate with a truncated thought."""
    cut = Script(
        [Reply("2+", finish="length"), "answer: 4"], ["backtrack 0: cut off", "terminate solved"], "r"
    )
    straight = Script(["2+2 is 4", "answer: 4"], ["continue", "terminate solved"], "q")
    play_run(tmp_path / "run", [DETOURS, straight, cut])
    return tmp_path / "run"


def measure(run: Path, out: Path, model: Path, **options: Any) -> Measured:
    return measure_perplexities(run, out, str(model), device="cpu", **options)


def lines(file: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in file.read_bytes().splitlines()]


def test_a_value_is_the_models_own_perplexity_of_the_thought(
    run: Path, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "values.jsonl"
    assert measure(run, out, trained) == Measured(before=0, new=3, too_long=0)
    header, *values = lines(out)
    assert header["perplexity_of"] == str(trained)
    assert [(line["id"], line["run"]) for line in values] == [("p#0", "run"), ("q#0", "run"), ("r#0", "run")]
    loader: Any = AutoModelForCausalLM
    tokenizers: Any = AutoTokenizer
    model, tokenizer = loader.from_pretrained(trained), tokenizers.from_pretrained(trained)
    asked, thought = "q: 2+2?<|end|><think>\n", "2+2 is 4\nanswer: 4"
    text = f"{asked}{thought}\n</think>\n\nAnswer: 4<|end|>"
    whole = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids, lasts = whole["input_ids"], [end - 1 for _, end in whole["offset_mapping"]]
    with torch.no_grad():
        chances = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    inside = [at for at, last in enumerate(lasts) if len(asked) <= last < len(asked + thought)]
    own = [float(chances[at - 1, ids[at]]) for at in inside]
    assert values[1]["shortcut"] == pytest.approx(math.exp(-sum(own) / len(own)), rel=1e-3)
    assert values[1]["journey"] != values[1]["shortcut"], "the journey says that it is solved"
    assert values[2]["journey"] is None, "a truncated thought"
    assert values[2]["shortcut"] is not None
    assert load_perplexities(str(out)).of("q#0", "run", "shortcut") == values[1]["shortcut"]


def test_what_shares_a_batch_does_not_matter(run: Path, trained: Path, tmp_path: Path) -> None:
    alone, together = tmp_path / "alone.jsonl", tmp_path / "together.jsonl"
    measure(run, alone, trained, batch_tokens=1)
    measure(run, together, trained, batch_tokens=100_000)
    for one, other in zip(lines(alone)[1:], lines(together)[1:], strict=True):
        for told in ("journey", "shortcut"):
            assert (one[told] is None) == (other[told] is None)
            assert one[told] is None or one[told] == pytest.approx(other[told], rel=1e-4)


@pytest.mark.parametrize("cut", [0, 10, 40, 150, 200, 260])
def test_a_killed_measurement_goes_on_where_it_was(
    run: Path, trained: Path, tmp_path: Path, cut: int
) -> None:
    whole, torn = tmp_path / "whole.jsonl", tmp_path / "torn.jsonl"
    measure(run, whole, trained, batch_tokens=1)
    torn.write_bytes(whole.read_bytes()[:cut])
    held = max(torn.read_bytes().count(b"\n") - 1, 0)
    assert measure(run, torn, trained, batch_tokens=1) == Measured(before=held, new=3 - held)
    assert torn.read_bytes() == whole.read_bytes()


def test_nothing_is_computed_twice(
    run: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "values.jsonl"
    measure(run, out, trained)
    before = out.read_bytes()

    def no_weights(*_: object) -> None:
        raise AssertionError("the model was loaded again")

    monkeypatch.setattr(perplexity, "load_weights", no_weights)
    assert measure(run, out, trained) == Measured(before=3, new=0)
    assert out.read_bytes() == before


@pytest.mark.parametrize("content", ["notes of mine", '{"weights": "other"}\n', "[1]\n", '"weights"\n'])
def test_a_file_of_something_else_is_left_as_it_is(
    run: Path, trained: Path, tmp_path: Path, content: str
) -> None:
    out = tmp_path / "notes"
    out.write_text(content)
    with pytest.raises(UsageError, match="holds no perplexities of this model's weights, as they are"):
        measure(run, out, trained)
    assert out.read_text() == content


def test_a_broken_line_is_named_and_nothing_lost(run: Path, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "values.jsonl"
    measure(run, out, trained)
    content = out.read_text().replace('"id":"q#0"', '"id":7')
    out.write_text(content)
    with pytest.raises(UsageError, match=r"values\.jsonl:3: no line of perplexities"):
        measure(run, out, trained)
    assert out.read_text() == content


def test_one_writer_at_a_time(run: Path, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "values.jsonl"
    with out.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another process is writing"):
            measure(run, out, trained)


def test_a_thought_that_is_too_long_has_no_value(trained: Path, tmp_path: Path) -> None:
    long = Script(["2+2 is 4, " * 200, "answer: 4"], ["continue", "terminate solved"])
    play_run(tmp_path / "long", [long])
    out = tmp_path / "values.jsonl"
    assert measure(tmp_path / "long", out, trained).too_long == 2
    assert lines(out)[1] == {"id": "p#0", "run": "long", "journey": None, "shortcut": None}


def test_no_debates_is_one_clear_line(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "journal-0.jsonl").touch()
    with pytest.raises(UsageError, match="no finished debate here yet"):
        measure(tmp_path / "empty", tmp_path / "values.jsonl", trained)


def test_what_a_reply_says_behind_its_thought_does_not_count(trained: Path, tmp_path: Path) -> None:
    thought = "<think>\n2+2 is 4\nWait, 4.\n</think>\n\n"
    values: list[float] = []
    for name, behind in (
        ("short", "Answer: 4"),
        ("long", "Two and two, as everybody knows: four.\n\nAnswer: 4"),
    ):
        said = Transcript(
            run=name,
            protocol="long-thought",
            number=0,
            problem=Problem(id="p", question="2+2?"),
            thoughts=(Thought(id=1, parent=0, kind="conclusion", text=thought + behind, answer="4"),),
            judgements=(Judgement(thought=1, decision=Terminate(reason="solved", answer="4")),),
            outcome=Outcome(kind="solved", answer="4"),
            turns=1,
        )
        write_transcripts(tmp_path / f"{name}.jsonl.zst", [said])
        measure(tmp_path / f"{name}.jsonl.zst", tmp_path / f"{name}.jsonl", trained)
        values.append(lines(tmp_path / f"{name}.jsonl")[1]["journey"])
    assert values[0] == values[1]
