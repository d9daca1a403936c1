"""Every mistake in a scenario is one line that names the file, the key and what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from longthought.agents.errors import UsageError
from longthought.scenarios.load import load_scenario, shipped_scenarios
from tests.scenarios.scripted_scenarios import scenario

MODEL = {"engine": "openai", "model": "m", "base_url": "http://127.0.0.1:1/v1"}

WRONG: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"sead": 3}, ("sead", "did you mean 'seed'")),
    ({"seed": "three"}, ("seed: ", "valid integer", "'three'")),
    ({"budget": {"turn": 3}}, ("budget.turn", "'turns'")),
    ({"budget": {"turns": 0}}, ("budget.turns", "greater than or equal to 1", "0")),
    ({"budget": "cheap"}, ("budget: ", "'cheap'")),
    ({"name": "a/b"}, ("name: ", "'a/b'")),
    ({"name": ".."}, ("name: ",)),
    ({"context": "together"}, ("context: ", "'per_seat' or 'shared'", "'together'")),
    ({"seats": {"critic": {"model": "adder"}}}, ("seats.policy", "is missing")),
    ({"seats": {"policy": {"model": "adder"}}}, ("seats.critic", "monologue")),
    ({"seats": {"policy": {}, "critic": {"model": "adder"}}}, ("seats.policy", "'model'", "'agent'")),
    (
        {"seats": {"policy": {"model": "ader"}, "critic": {"model": "adder"}}},
        ("seats.policy.model", "'adder'"),
    ),
    (
        {"seats": {"policy": {"agent": "x", "top_p": 1}, "critic": {"model": "adder"}}},
        ("seats.policy", "top_p"),
    ),
    ({"dataset": {"kind": "fil", "path": "x"}}, ("dataset: ", "'fil'", "'file'")),
    ({"dataset": {"kind": "file", "pth": "x"}}, ("dataset.pth", "'path'")),
    ({"models": {"adder": {"engine": "opnai"}}}, ("models.adder", "did you mean 'openai'")),
    ({"models": {"adder": {"engine": "openai", "model": "m"}}}, ("models.adder", "'base_url'")),
    ({"models": {"adder": MODEL | {"device": "cpu"}}}, ("models.adder", "'device'", "base_url")),
    ({"models": {"adder": MODEL | {"api_key": "sk-1"}}}, ("models.adder.api_key", "api_key_env")),
    ({"rewards": {"step-scorer": "injct"}}, ("rewards.step-scorer", "'inject'")),
    ({"protocol": "best-of-n", "n": 4}, ("rewards", "exactly one")),
    ({"n": 4}, ("n: ", "best-of-n")),
    ({"protocol_options": {"a": 1}}, ("protocol_options",)),
]


@pytest.mark.parametrize(("change", "words"), WRONG, ids=lambda value: str(value)[:60])
def test_a_wrong_key_type_or_value_is_one_line(
    tmp_path: Path, change: dict[str, Any], words: tuple[str, ...]
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(scenario(**change)))
    with pytest.raises(UsageError) as caught:
        load_scenario(str(file))
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{file}: ")
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [", "not YAML"),
        ("- a\n- b\n", "a mapping"),
        ("", "a mapping"),
        ("name: a\nname: b\n", ":2:1: not YAML as it should be: the key 'name' is there twice"),
        ("name: !!python/object/apply:os.system [exit]\n", "not YAML"),
        ("name: a\n\x00", "not YAML"),
    ],
)
def test_what_is_no_scenario_says_so(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_scenario(str(file))
    assert words in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("seed", "--set seed: should look like"),
        ("=3", "should look like"),
        ("a..b=3", "should look like"),
        ("seed=[", "not YAML"),
        ("seed=2024-13-45", "not YAML"),
        ("seed=x", "--set seed: "),
        ("seed.low=3", "--set seed.low: seed is 3"),
        (
            "seats.policy.temprature=0.1",
            "--set seats.policy.temprature: unknown key (did you mean 'temperature'?)",
        ),
    ],
)
def test_a_wrong_override_names_itself(tmp_path: Path, override: str, words: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(scenario(seed=3)))
    with pytest.raises(UsageError) as caught:
        load_scenario(str(file), [override])
    assert words in str(caught.value)


def test_a_key_of_another_kind_is_not_suggested(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(scenario(dataset={"kind": "file", "path": "x", "size": 3})))
    with pytest.raises(UsageError, match=r"dataset\.size: unknown key") as caught:
        load_scenario(str(file), [])
    said = str(caught.value)
    assert "'size'" not in said
    assert "answer" in said.partition("known here: ")[2]
    assert "task" not in said


def test_overrides_are_read_as_yaml(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(scenario()))
    sets = ["budget.tokens_out=500", "seats.policy.stop=[a, b]", "rewards.step-scorer=off", "name=other"]
    loaded = load_scenario(str(file), sets).scenario
    assert loaded.budget.tokens_out == 500
    assert loaded.seats.policy.stop == ("a", "b")
    assert loaded.model_dump()["rewards"] == {"step-scorer": "off"}
    assert loaded.name == "other"


def test_a_dataset_path_on_the_command_line_is_relative_to_where_it_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scenarios").mkdir()
    file = tmp_path / "scenarios" / "mine.yaml"
    file.write_text(yaml.safe_dump(scenario()))
    monkeypatch.chdir(tmp_path)
    loaded = load_scenario(str(file), ["dataset.path=data/rows.jsonl", "seats.critic.passport=data/p.json"])
    spec: Any = loaded.scenario.dataset
    assert (loaded.base_dir / spec.path).resolve() == tmp_path / "data" / "rows.jsonl"
    critic = loaded.scenario.seats.critic
    assert critic is not None
    assert (loaded.base_dir / str(critic.passport)).resolve() == (tmp_path / "data" / "p.json").resolve()


@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_shipped_scenario_loads(name: str) -> None:
    assert load_scenario(name).scenario.name == name


def test_an_unknown_scenario_is_told_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"no such scenario file \(did you mean 'countdown'"):
        load_scenario("countdwon")
