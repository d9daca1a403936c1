"""A random model on disk, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from longthought.agents.models.random_model import write_random_model


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 layers × 64, bytes as tokens, 1,024 tokens of context."""
    return write_random_model(tmp_path_factory.mktemp("random-model"))
