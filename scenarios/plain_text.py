"""Model text made safe to print: no escape sequences, no control characters, and never read as markup."""

from __future__ import annotations

import re

from rich.text import Text

#: Sequences as a whole, so that no half of one is left: CSI; OSC, DCS, SOS, PM and APC; two-character ones.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
#: What is left of control characters (line feeds and tabs stay), bidirectional overrides, lone surrogates.
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
    r"|[\U000e0000-\U000e007f]"
)


def printable(text: str) -> str:
    """The text without anything that a terminal would act upon."""
    return _CONTROLS.sub("", _SEQUENCES.sub("", text.replace("\r\n", "\n")))


def plain(text: str, style: str = "", longest: int | None = None) -> Text:
    """The text for rich; ``longest`` cuts it to so many characters."""
    clean = printable(text)
    if longest is not None and len(clean) > longest:
        clean = clean[: longest - 1] + "…"
    return Text(clean, style)
