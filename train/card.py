"""The card of a trained model or of a checkpoint: what it is, what was measured, which corpora made it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def model_card(name: str, record: Mapping[str, Any]) -> str:
    """Markdown with the front matter of the Hugging Face hub, out of the record beside it."""
    kind, start = record["kind"], record["settings"]["model"]
    corpora = "\n".join(
        f"- `{Path(file).parent.name}/{Path(file).name}` sha256 `{digest}`"
        for file, digest in record["corpora"].items()
    )
    numbers = "\n".join(
        f"| {key.replace('_', ' ')} | {value:,.4g} |"
        if isinstance(value, float)
        else f"| {key.replace('_', ' ')} | {value:,} |"
        for key, value in record.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    )
    return f"""---
library_name: transformers
tags: [longthought, {kind}]
---

# {name}

Trained with `longthought train {kind}` from {Path(start).name if isinstance(start, str) else "random weights"}.

| measured | |
|---|---|
{numbers}

Corpora:

{corpora}

Everything that made it (settings, versions, the course of the loss) is in `training.json`.
"""
