"""The embedded weights are where the package says, or their absence is one line that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from longthought.agents import embedded
from longthought.agents.errors import UsageError
from longthought.agents.models.embedded import embedded_path


@pytest.mark.parametrize("part", ["lm", "step_scorer"])
def test_weights_lie_there_or_the_way_to_get_them_is_named(part: Literal["lm", "step_scorer"]) -> None:
    wanted = Path(embedded.__path__[0]) / part
    if (wanted / "config.json").is_file():
        assert embedded_path(part) == wanted
    else:
        with pytest.raises(UsageError, match="make tiny-model"):
            embedded_path(part)
