"""Special tokens and thought tags in what models and data sets wrote, made plain text.

The list is wider than that of ``agents.injection``, which looks for attempts to steer a reader and leaves debates out:
a space too many does no harm.

A trainer that is not ours tokenises a row's text as it stands, and most tokenizers read ``<|im_end|>`` in a step as the
end of the message. So a space is put behind the first character of whatever a known tokenizer may take for a token of
its own: ``< |im_end|>``. Ours splits such text in any case (``tokens.row_encoder``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longthought.agents.decisions import Continue
from longthought.protocols.transcript import Transcript
from longthought.synth.telling.thought_tags import FRAMES

_TAGS = "|".join(re.escape(tag) for tags in FRAMES for tag in tags)
_SPECIAL = re.compile(
    # The general shapes, with room for names that are yet to come …
    r"<\|[^|<>\s]{1,40}\|>|<｜[^｜<>\s]{1,40}｜>"
    # … and the names of those that have another shape.
    r"|\[/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT|THINK|CLS|SEP|MASK|PAD|UNK)\]|<</?SYS>>"
    r"|</?s>|<(?:bos|eos|pad|unk|mask)>|<(?:start|end)_of_(?:turn|image)>|</?(?:tool_call|tool_response|tools|thinking)>"
    r"|<unused\d+>|<extra_id_\d+>|<reserved_\d+>|<0x[0-9A-Fa-f]{2}>|<[A-Z][A-Z0-9_]{2,40}>|<seed:\w{1,40}>"
    r"|<(?:sop|eop|fim_\w{1,20}|image|video|audio)>|\[(?:[gs]MASK|PREFIX|MIDDLE|SUFFIX|TOOL_CONTENT|IMG\w{0,10})\]"
    rf"|{_TAGS}"
)


def neutral(text: str) -> str:
    """The text with every such token taken apart."""
    return _SPECIAL.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def spells_special(transcript: Transcript) -> bool:
    """Whether any text of the debate holds one."""
    return any(("<" in text or "[" in text) and _SPECIAL.search(text) for text in _texts(transcript))


def neutralised(transcript: Transcript) -> Transcript:
    """The debate with every one taken apart, wherever it stands."""
    # None of them holds a character that JSON escapes, and keys hold none of them.
    return Transcript.model_validate_json(neutral(transcript.model_dump_json()))


def _texts(transcript: Transcript) -> Iterator[str]:
    yield transcript.problem.id
    yield transcript.problem.question
    yield transcript.problem.gold or ""
    for thought in transcript.thoughts:
        yield thought.text
        yield thought.answer or ""
    for judgement in transcript.judgements:
        decision = judgement.decision
        if not isinstance(decision, Continue):
            yield getattr(decision, "why", None) or getattr(decision, "answer", None) or ""
        for reading in judgement.readings:
            yield reading.why
    yield transcript.outcome.answer or ""
    yield transcript.outcome.why or ""
