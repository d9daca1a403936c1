"""How many tokens a model has positions for, by its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from longthought.agents.models.random_model import write_random_model
from longthought.train.settings import SftSettings
from longthought.train.starting_point import find_start

LLAMA3 = {"rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 4.0}


@pytest.mark.parametrize(
    ("positions", "rope", "context"),
    [
        (4096, {"rope_type": "default"}, 4096),
        (4096, {"rope_type": "linear", "factor": 4.0}, 16384),
        (131072, {**LLAMA3, "factor": 8.0, "original_max_position_embeddings": 8192}, 131072),
        # Qwen2.5's configuration tells the positions before they are stretched, others those behind.
        (32768, {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}, 131072),
        (131072, {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}, 131072),
    ],
)
def test_stretched_positions_are_counted_once(
    positions: int, rope: dict[str, Any], context: int, tmp_path: Path
) -> None:
    file = write_random_model(tmp_path) / "config.json"
    told = {"max_position_embeddings": positions, "rope_parameters": {"rope_theta": 10000.0, **rope}}
    file.write_bytes(orjson.dumps(orjson.loads(file.read_bytes()) | told))
    settings = {"model": str(tmp_path), "corpora": [{"path": "c", "kind": "k"}], "out": "o"}
    assert find_start(SftSettings.model_validate(settings)).context == context
