"""Names that come from elsewhere, made fit for a file's name."""

from __future__ import annotations

import re

_LONGEST = 80


def slug(name: str) -> str:
    """Letters, digits, ``_``, ``-`` and ``.`` of the name, which then leads nowhere but into its own directory."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:_LONGEST]
    return plain or "unnamed"
