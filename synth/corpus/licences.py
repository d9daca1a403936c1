"""Licences of a corpus's sources, as the card's ``license`` names them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

#: Identifiers that the Hugging Face hub knows, of those that data and code have; it refuses a card with another.
_NAMES = """
    apache-2.0 mit bsd-2-clause bsd-3-clause isc unlicense gpl-3.0 agpl-3.0 mpl-2.0 gfdl other
    cc0-1.0 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-4.0 cc-by-nc-sa-4.0 cc-by-nd-4.0
    cc-by-nc-nd-4.0 odc-by odbl pddl cdla-permissive-2.0
"""
_KNOWN = frozenset(_NAMES.split())


def front_matter(licences: Iterable[str]) -> dict[str, Any]:
    """The card's keys: identifiers that the hub knows, or ``other`` with the names as they were given."""
    given = list(dict.fromkeys(licences))
    if not given:
        return {}
    known = [licence.lower() for licence in given if licence.lower() in _KNOWN]
    if len(known) == len(given):
        return {"license": known[0] if len(known) == 1 else known}
    # The hub takes lower-case letters, digits, dots and dashes for a name.
    name = re.sub(r"[^a-z0-9.-]+", "-", "-and-".join(given).lower()).strip("-")
    return {"license": "other", "license_name": name or "unnamed"}


def licence_of(run_manifest: Mapping[str, object]) -> str | None:
    """The licence that a run's manifest names for its data set, if it does."""
    licence = _within(_within(run_manifest.get("scenario"), "dataset"), "licence")
    return licence if isinstance(licence, str) and licence.strip() else None


def _within(value: object, key: str) -> object:
    return cast("dict[str, object]", value).get(key) if isinstance(value, dict) else None
