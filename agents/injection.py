"""Text that tries to speak with another's voice: verdicts, role tags, special tokens, orders to ignore the prompt.

Finding some is no defence, for any wording can be avoided: verdicts are safe because quoted text is never read as one
(``agents.verdict_format``). It keeps suspect debates out of corpora.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from longthought.agents.verdict_format import dictated_decisions

_SUSPECT = {
    "special token": re.compile(
        # Some models mark their own thoughts so, without the marks being tokens.
        r"<\|(?!(?:begin|end)_of_(?:thought|solution)\|>)[A-Za-z][\w ]{0,30}\|>|<｜[^｜\n]{1,40}｜>"
        r"|\[/?INST\]|<</?SYS>>|</s>|<(?:start|end)_of_turn>|</?tool_(?:call|response)>|<[be]os>"
    ),
    "role tag": re.compile(
        r"^[ \t>*_`#\-\[<(]{0,8}(?:system(?: prompt| message)|assistant|user|human|critic|judge)[ \t*_`\])>]{0,4}[:：]",
        re.IGNORECASE | re.MULTILINE,
    ),
    "order": re.compile(
        r"\b(?:ignore|disregard|forget|override)\s+(?:(?:all|any|of|the|your|my|these|those|every)\s+){0,4}"
        r"(?:previous|prior|above|earlier|preceding|system)?\s*(?:instructions?|prompts?|directions|guidelines)\b",
        re.IGNORECASE,
    ),
}
#: Nothing above, and no verdict, is without one of these. Every thought of a corpus is looked at, and few hold any.
_HINTS = (
    *("continue", "backtrack", "reflect", "terminate"),
    *("<|", "<｜", "[inst]", "[/inst]", "sys>>", "</s>", "of_turn>", "tool_", "<bos>", "<eos>"),
    *("system", "assistant", "user", "human", "critic", "judge"),
    *("instruction", "prompt", "direction", "guideline"),
)
_INDENTED = re.compile(r"^(?: {4}|\t).*", re.MULTILINE)


def any_suspect(texts: Iterable[str]) -> bool:
    """Whether one of many texts is suspect, such as those of a whole debate."""
    texts = list(texts)
    return _hinted("\n".join(texts)) and any(suspicion(text) is not None for text in texts)


def suspicion(text: str) -> str | None:
    """What in ``text`` looks like an attempt to steer its reader; None for an ordinary problem or step."""
    if not _hinted(text):
        return None
    kinds = dictated_decisions(text)
    if kinds == frozenset({"continue"}):  # which is a statement of Python, too, but never at the margin
        kinds = dictated_decisions(_INDENTED.sub("", text))
    if kinds:
        return f"verdict: {', '.join(sorted(kinds))}"
    return next((name for name, pattern in _SUSPECT.items() if pattern.search(text)), None)


def _hinted(text: str) -> bool:
    plain = text.casefold()
    return any(hint in plain for hint in _HINTS)
