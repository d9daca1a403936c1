from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from longthought.agents.errors import UsageError
from longthought.train.settings import (
    CriticSettings,
    DpoSettings,
    FromScratch,
    GrpoSettings,
    KtoSettings,
    PrmSettings,
    SftSettings,
    TrainSettings,
    load_settings,
)

GOOD = "model: somewhere\ncorpora:\n  - {path: a, kind: journey}\nout: there\n"


def write(path: Path, text: str) -> Path:
    file = path / "settings.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("sft.yaml", SftSettings),
        ("tiny-1.yaml", SftSettings),
        ("tiny-2.yaml", SftSettings),
        ("dpo.yaml", DpoSettings),
        ("kto.yaml", KtoSettings),
        ("grpo.yaml", GrpoSettings),
        ("tiny-scorer.yaml", PrmSettings),
        ("tiny-critic.yaml", CriticSettings),
    ],
)
def test_the_settings_that_are_shipped_are_valid(name: str, schema: type[TrainSettings]) -> None:
    settings = load_settings(str(files("longthought.train") / name), schema=schema)
    assert settings.corpora or isinstance(settings, GrpoSettings)


def test_overrides_reach_into_mappings_and_lists(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD)
    changed = ["batch=3", "corpora.0.weight=0.5", "lora.r=4", "model={config: {hidden_size: 64}}"]
    settings = load_settings(file, [*changed, "model.tokenizer.vocab_size=300"])
    assert (settings.batch, settings.corpora[0].weight) == (3, 0.5)
    assert settings.lora is not None
    assert settings.lora.r == 4
    assert isinstance(settings.model, FromScratch)
    assert settings.model.tokenizer.vocab_size == 300


@pytest.mark.parametrize(
    ("text", "overrides", "names"),
    [
        (GOOD + "learning_rat: 1\n", [], ["settings.yaml", "no such key (did you mean 'learning_rate'?)"]),
        (
            GOOD,
            ["lr=1e-3"],
            ["--set lr=1e-3: lr: no such key", "; there are model, corpora,", "learning_rate"],
        ),
        (GOOD, ["corpora.²=x"], ["corpora.²=x", "no '²'"]),
        (GOOD, ["batch=0"], ["batch", "greater than or equal to 1"]),
        (GOOD, ["batch=many"], ["batch", "integer"]),
        (GOOD, ["betas=[0.9, 1.0]"], ["betas.1", "less than 1"]),
        (GOOD, ["seed=-1"], ["seed", "greater than or equal to 0"]),
        (GOOD, ["seed=4294967296"], ["seed", "less than 4294967296"]),
        (GOOD, ["epochs=.inf"], ["epochs", "finite"]),
        (GOOD, ["learning_rate=.nan"], ["learning_rate", "finite"]),
        (GOOD, ["corpora.0.weight=.inf"], ["corpora.0.weight", "finite"]),
        (GOOD, ["corpora=[]"], ["corpora", "at least 1"]),
        (GOOD, ["corpora.1.path=x"], ["corpora.1.path=x", "no '1'"]),
        (GOOD, ["corpora.0.knd=x"], ["corpora.0.knd", "no such key"]),
        (GOOD, ["model={config: {}, tokenizer: {vocab_size: 3}}"], ["model.tokenizer.vocab_size", "258"]),
        (GOOD, ["bf16=perhaps"], ["bf16"]),
        (GOOD, ["batch"], ["batch", "key=value"]),
        ("model: x\nout: y\n", [], ["corpora", "required"]),
        ("- a\n", [], ["keys and values"]),
        ("a: [\n", [], ["not YAML"]),
    ],
)
def test_bad_settings_are_one_line_with_the_key(
    tmp_path: Path, text: str, overrides: list[str], names: list[str]
) -> None:
    with pytest.raises(UsageError) as error:
        load_settings(write(tmp_path, text), overrides)
    message = str(error.value)
    assert "\n" not in message
    for name in names:
        assert name in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.yaml: cannot be read"):
        load_settings(tmp_path / "absent.yaml")
