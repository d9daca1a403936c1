from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken

from longthought.synth.derive.dialogue import Dialogue
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.preference import Preference
from longthought.synth.derive.step_labels import StepLabels
from longthought.synth.derive.step_preference import StepPreference
from longthought.synth.tokens.verify import Verifier
from longthought.train.tokenizer import train_tokenizer
from tests.synth.scripted_runs import DETOURS, Script, transcript_of

#: Renders what a message holds.
PLAIN = "{% for m in messages %}<|pad|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}"
#: Takes a thought out of the content and puts it into a slot of its own, in the last turn only.
SLOT = (
    "{% for m in messages %}<|pad|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and '</think>' in m.content %}"
    "{% set thought = m.content.split('</think>')[0].split('<think>')[-1].strip() %}"
    "{% set answer = m.content.split('</think>')[-1].strip() %}"
    "{% if loop.last %}<think>\n{{ thought }}\n</think>\n\n{% endif %}{{ answer }}"
    "{% else %}{{ m.content }}{% endif %}<|end|>\n{% endfor %}"
)
#: Keeps what stands behind the thought.
DELETES = (
    "{% for m in messages %}{% if m.role == 'assistant' %}{{ m.content.split('</think>')[-1] }}"
    "{% else %}{{ m.content }}{% endif %}<|end|>{% endfor %}"
)
GENERATION = (
    "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|end|>{% endgeneration %}"
    "{% else %}{{ m.content }}<|end|>{% endif %}{% endfor %}"
)
#: The mark covers the end alone.
GENERATES_LITTLE = GENERATION.replace("{% generation %}{{ m.content }}", "{{ m.content }}{% generation %}")
ENDLESS = "{% for m in messages %}{{ m.content }}\n{% endfor %}"


def tokenizer(template: str) -> Any:
    made: Any = train_tokenizer(["some text"], 300, 4096)
    made.chat_template = template
    return made


def journey(tmp_path: Path, **options: Any) -> dict[str, Any]:
    (row,) = Journey.model_validate(options).rows([transcript_of(tmp_path / "run", DETOURS)])
    return vars(row)


@pytest.mark.parametrize("template", [PLAIN, SLOT, GENERATION])
@pytest.mark.parametrize("mask", ["all", "drop-wrong", "recovery-only"])
def test_sound_rows_pass(tmp_path: Path, template: str, mask: str) -> None:
    assert Verifier(tokenizer(template), 4096).complaint(journey(tmp_path, mask=mask)) is None


@pytest.mark.parametrize(
    ("template", "says"),
    [
        (DELETES, "drops text of the answer, from '<think>'"),
        (ENDLESS, "no special token, so a model would not learn to stop"),
        (GENERATES_LITTLE, "the generation mark of .* leaves text out: '<think>'"),
    ],
)
def test_templates_that_lose_something(tmp_path: Path, template: str, says: str) -> None:
    said = Verifier(tokenizer(template)).complaint(journey(tmp_path))
    assert re.search(says, str(said)), said


def test_a_slot_for_the_last_thought_loses_the_others() -> None:
    two = [
        {"role": role, "content": text}
        for role, text in [
            ("user", "a"),
            ("assistant", "<think>\nso\n</think>\n\nb"),
            ("user", "c"),
            ("assistant", "<think>\nthus\n</think>\n\nd"),
        ]
    ]
    check = Verifier(tokenizer(SLOT))
    row = {"messages": two, "trained": [False, True, False, True]}
    assert "from 'so'" in str(check.complaint(row))
    assert check.complaint({**row, "trained": [False, False, False, True]}) is None


def test_too_long_and_nothing_to_learn(tmp_path: Path) -> None:
    row = journey(tmp_path)
    assert "more tokens than --max-length 20: " in str(Verifier(tokenizer(PLAIN), 20).complaint(row))
    assert "nothing to learn" in str(Verifier(tokenizer(PLAIN)).complaint({**row, "trained": [False, False]}))
    whole = [{"message": 1, "start": 0, "end": len(row["messages"][1]["content"])}]
    assert "nothing to learn" in str(Verifier(tokenizer(PLAIN)).complaint({**row, "masked": whole}))


@pytest.mark.parametrize("role", [0, 1])
def test_special_tokens_in_the_text(role: int) -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    messages[role]["content"] += " <|end|> c"
    row = {"messages": messages, "trained": [False, True]}
    assert f"a text spells a special token: {('user', 'assistant')[role]} says <|end|>" in str(
        Verifier(tokenizer(PLAIN)).complaint(row)
    )


def test_pairs_are_checked_on_both_sides(tmp_path: Path) -> None:
    right = transcript_of(tmp_path / "a", DETOURS)
    wrong = transcript_of(tmp_path / "b", Script(["answer: 5"], ["terminate solved"], epoch=1))
    (row,) = (row for row in Preference().rows([right, wrong]))
    assert Verifier(tokenizer(PLAIN)).complaint(vars(row)) is None
    assert "drops text" in str(Verifier(tokenizer(DELETES)).complaint(vars(row)))
    longer = Verifier(tokenizer(PLAIN), 100).complaint(vars(row))
    assert longer is not None


def test_dialogues_pass_and_steps_have_no_template(tmp_path: Path) -> None:
    transcript = transcript_of(tmp_path, DETOURS)
    check = Verifier(tokenizer(DELETES))
    assert all(check.complaint(vars(row)) is None for row in Dialogue().rows([transcript]))
    assert all(check.complaint(vars(row)) is None for row in StepLabels().rows([transcript]))


def test_a_step_that_goes_on_may_begin_with_the_tag_of_its_thought(tmp_path: Path) -> None:
    made = tokenizer(PLAIN)
    made.add_tokens([AddedToken(tag, normalized=False) for tag in ("<think>", "</think>")])
    verifier = Verifier(made)
    (row, *_) = StepPreference().rows([transcript_of(tmp_path / "run", DETOURS)])
    assert verifier.complaint(vars(row)) is None
    said = verifier.complaint({**vars(row), "chosen_finished": True})

    assert "a text spells a special token: assistant says <think>" in str(said)
    fake = {**vars(row), "chosen": [{"role": "assistant", "content": "<think>\n2+2 <think> 4"}]}
    assert "a text spells a special token: assistant says <think>" in str(verifier.complaint(fake))
