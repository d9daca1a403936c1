"""Where the weights lie that are shipped with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Literal

from longthought.agents.errors import UsageError


def embedded_path(part: Literal["lm", "step_scorer"]) -> Path:
    """The directory of the embedded language model (``lm``) or of its learned step scorer (``step_scorer``).

    Raises:
        UsageError: this installation carries no weights.
    """
    path = Path(str(files("longthought.agents.embedded"))) / part
    if not (path / "config.json").is_file() or not any(path.glob("*.safetensors")):
        raise UsageError(
            f"the embedded model's weights ({part}) are not installed; make them with `make tiny-model`, "
            "or name another model in the scenario"
        )
    return path
