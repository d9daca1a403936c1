"""The embedded weights are where the package says, or their absence is one line that says what to do."""

from __future__ import annotations

from typing import Literal

import pytest

from longthought.agents.errors import UsageError
from longthought.agents.models.embedded import embedded_path


@pytest.mark.parametrize("part", ["lm", "step_scorer"])
def test_weights_lie_there_or_the_way_to_get_them_is_named(part: Literal["lm", "step_scorer"]) -> None:
    try:
        path = embedded_path(part)
    except UsageError as error:
        assert "make tiny-model" in str(error)
        assert "\n" not in str(error)
    else:
        assert (path / "config.json").is_file()
        assert list(path.glob("*.safetensors"))
