"""One torch thread for all, and no weights from the network."""

from __future__ import annotations

from pathlib import Path

import pytest

from longthought.train.settings import SftSettings
from longthought.train.sft import run_sft
from tests.scenarios.conftest import call as call
from tests.train.tiny_corpora import sft_rows, shared_settings, write_corpus


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model after 120 steps on eight rows, which it should know by heart."""
    path = tmp_path_factory.mktemp("sft")
    corpus = write_corpus(path / "corpus", "dialogue", sft_rows(8))
    settings = {**shared_settings(corpus, "dialogue", path / "model"), "epochs": 60, "bf16": False}
    return run_sft(SftSettings.model_validate(settings))
