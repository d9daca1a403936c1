from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from longthought.agents.first_error import first_error


class Step(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str
    labels: tuple[int, ...] = ()


@pytest.mark.parametrize(
    ("value", "place", "line"),
    [
        ({"labels": []}, (), "text: Field required"),
        ({"txt": 1}, ("steps", "3"), "steps.3.text: Field required"),
        ({"text": "a", "labels": [1, "b"]}, ("step",), "step.labels.1: Input should be a valid integer"),
        ("a", ("step",), "step: Input should be a valid dictionary or instance of Step"),
        ("a", (), "Input should be a valid dictionary or instance of Step"),
    ],
)
def test_the_first_error_is_one_line_that_begins_with_its_key(
    value: object, place: tuple[str, ...], line: str
) -> None:
    with pytest.raises(ValidationError) as error:
        Step.model_validate(value)
    said = first_error(error.value, *place)
    assert said.startswith(line)
    assert "\n" not in said
