"""Text that UTF-8 can hold: half characters (lone surrogates), which some servers and JSON files carry, become U+FFFD.

Text is made whole where it comes in (replies, foreign agents, dataset rows), so that nothing behind has to mind.
"""

from __future__ import annotations

import json
from typing import Any


def whole_text(text: str) -> str:
    """The text itself, or a copy without half characters; two halves that belong together become the character."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def whole_json(value: Any) -> Any:
    """JSON with every text in it made whole."""
    return json.loads(whole_text(json.dumps(value, ensure_ascii=False)))
