"""Long thoughts as DeepSeek-R1, QwQ and their distillates are passed on: with ``<think>…</think>`` in the reply, with a
field for the reasoning, or as a chat. OpenR1-Math, s1K-1.1, OpenThoughts, STILL-2 and their like are read so, and what
``longthought distil`` writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from longthought.synth.imports.foreign import Foreign, LongThought, facts, gold_of
from longthought.synth.imports.thought_in_text import KNOWN, Found, find_thought

#: Names that columns go by; the first that is there counts.
QUESTIONS = ("question", "problem", "instruction", "query", "prompt", "input")
REASONING = ("reasoning_content", "reasoning", "thinking", "thought", "deepseek_thinking_trajectory")
REPLIES = ("response", "completion", "generation", "output", "content", "text", "deepseek_attempt", "attempt")
#: Several replies to one question, as OpenR1-Math has them.
MANY = ("generations", "responses")
CHATS = ("messages", "conversations", "conversation")
GOLD = ("gold", "gt", "ground_truth", "ground_truth_answer", "expected_answer", "final_answer", "answer")
RIGHT = ("correct", "is_correct", "right", "correctness_math_verify", "correctness")
#: Why a reply ended, and what says that it was cut.
ENDS = ("finish_reason", "finish_reasons", "stop_reason", "finish")
_CUT = ("length", "max_tokens", "max_length", "context_length", "refused")
_USERS, _ASSISTANTS = ("user", "human"), ("assistant", "gpt")


def takes(row: Mapping[str, Any]) -> bool:
    """A question with a reasoning field (that may be empty) or a thought in tags, or a chat with one."""
    if _chat(row) is not None:
        return any(_has_thought(message) for message in _chat(row) or [])
    if _named(row, QUESTIONS) is None:
        return False
    return (
        _named(row, REASONING) is not None
        or any(_tagged(text) for _, text in _replies(row))
        or _tagged(row.get("answer"))
        or _thoughtless(row)
    )


def thoughts(row: Mapping[str, Any]) -> Iterator[Foreign]:
    """One long thought a reply. Raises ValueError where question, reply or thought cannot be made out."""
    # Where several replies stand beside a chat, it is made of one of them.
    if (chat := _chat(row)) is not None and not any(isinstance(row.get(name), list) for name in MANY):
        yield _of_chat(chat, row)
        return
    asked = _named(row, QUESTIONS)
    if asked is None:
        raise ValueError(f"no question: none of {', '.join(QUESTIONS)} holds a text")
    column, question = asked
    if (reasoning := _named(row, REASONING)) is not None:
        empty = next((name for name in REPLIES if name in row and name != column), None)
        named = _named(row, (*REPLIES, "answer"), {column})
        field, reply = named or (empty or "", None if empty is None else "")
        yield _made(row, question, _of_fields(reasoning[1], reply), 0, {column, *REASONING, field})
        return
    replies = _replies(row)
    known = {column, *REPLIES, *MANY, *CHATS}
    if not replies and (answer := _named(row, ("answer",))) is not None:
        replies = [(0, answer[1])]
        known.add("answer")
    if not replies and _thoughtless(row):
        yield _made(row, question, Found("", None, finished=False, whole=False), 0, known)
        return
    if not replies:
        raise ValueError(f"no reply: none of {', '.join((*REPLIES, *MANY))} holds a text")
    for place, text in replies:
        found = find_thought(text, KNOWN) or Found(text, None, finished=True, whole=True)
        yield _made(row, question, found, place, known)


def _of_chat(chat: list[dict[str, Any]], row: Mapping[str, Any]) -> LongThought:
    said = [(_role(message), message) for message in chat if _role(message) != "system"]
    if [role for role, _ in said] != ["user", "assistant"]:
        raise ValueError(f"a chat of {len(said)} turns; a question and one reply make a long thought")
    (_, asked), (_, reply) = said
    reasoning = _named(reply, REASONING)
    found = find_thought(_text(reply), KNOWN) if reasoning is None else _of_fields(reasoning[1], _text(reply))
    found = found or Found(_text(reply), None, finished=True, whole=True)
    return _made(row, _text(asked), found, 0, set(CHATS))


def _of_fields(thought: str, reply: str | None) -> Found:
    """A thought in a field of its own. Where the field for the reply is empty, the thought never came to its end."""
    finished = reply is None or bool(reply.strip())
    return Found(thought, (reply or "").strip() or None, finished, finished)


def _made(row: Mapping[str, Any], question: str, found: Found, place: int, known: set[str]) -> LongThought:
    # Where a column is there for it and says nothing, there is none, and `answer` is what the reply states.
    unknown = next((row[name] is None for name in GOLD if name in row and name not in known), False)
    gold = None if unknown else gold_of(row, tuple(name for name in GOLD if name not in known))
    right = _of_reply(row, RIGHT, place)
    if _of_reply(row, ENDS, place) in _CUT:
        found = replace(found, finished=found.behind is not None, whole=False)
    return long_thought(
        found,
        question=question,
        gold=gold[1] if gold else None,
        right=right if isinstance(right, bool) else None,
        metadata=facts(row, {*known, *(gold[:1] if gold else ()), *RIGHT, *ENDS}),
    )


def long_thought(
    found: Found, *, question: str, gold: str | None, right: bool | None, metadata: dict[str, Any]
) -> LongThought:
    """A reply's thought as a row; where it is empty, what is behind it is all the thought there is.

    Raises:
        ValueError: there is nothing in the reply, and it was not cut.
    """
    if not found.thought.strip():
        found = Found(found.behind or "", None, finished=found.finished, whole=found.whole)
    if not found.thought.strip() and found.finished:
        raise ValueError("an empty reply")
    return LongThought(
        question=question,
        gold=gold,
        right=right,
        metadata=metadata,
        thought=found.thought,
        behind=found.behind,
        finished=found.finished,
        whole=found.whole,
    )


def _of_reply(row: Mapping[str, Any], names: tuple[str, ...], place: int) -> object:
    """What the first of these columns says of the reply; a column may have a member for each."""
    said: object = next((row[name] for name in names if name in row), None)
    if isinstance(said, list):
        each = cast("list[object]", said)
        return each[place] if place < len(each) else None
    return said


def _chat(row: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    chat = next((row[name] for name in CHATS if isinstance(row.get(name), list)), None)
    if chat is None or not all(isinstance(message, dict) for message in cast("list[object]", chat)):
        return None
    return cast("list[dict[str, Any]]", chat)


def _role(message: Mapping[str, Any]) -> str:
    role = message.get("role", message.get("from"))
    return "user" if role in _USERS else "assistant" if role in _ASSISTANTS else str(role)


def _text(message: Mapping[str, Any]) -> str:
    text = message.get("content", message.get("value"))
    return text if isinstance(text, str) else ""


def _has_thought(message: Mapping[str, Any]) -> bool:
    return _role(message) == "assistant" and (
        _named(message, REASONING) is not None or _tagged(_text(message))
    )


def _replies(row: Mapping[str, Any]) -> list[tuple[int, str]]:
    """The texts, each with its place among all, which other columns go by."""
    many = next((row[name] for name in MANY if isinstance(row.get(name), list)), None)
    if many is not None:
        return [
            (place, reply) for place, reply in enumerate(cast("list[object]", many)) if isinstance(reply, str)
        ]
    reply = _named(row, REPLIES)
    return [(0, reply[1])] if reply else []


def _thoughtless(row: Mapping[str, Any]) -> bool:
    """A column for the thought that holds none, beside one for the reply; both are empty where nothing came."""
    return any(name in row and row[name] in ("", None) for name in REASONING) and any(
        name in row and (row[name] is None or isinstance(row[name], str)) for name in REPLIES
    )


def _tagged(text: object) -> bool:
    return isinstance(text, str) and any(tags.close in text or tags.open in text for tags in KNOWN)


def _named(
    row: Mapping[str, Any], names: tuple[str, ...], but: set[str] | None = None
) -> tuple[str, str] | None:
    """The first of these columns that holds a text, and the text."""
    return next(
        (
            (name, row[name])
            for name in names
            if name not in (but or ()) and isinstance(row.get(name), str) and row[name]
        ),
        None,
    )
