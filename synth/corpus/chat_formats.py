"""Rows for other trainers: ShareGPT as LLaMA-Factory reads it, and OpenAI's fine-tuning files.

    sharegpt   ``{"conversations": [{"from": "human", "value": …}, …], "system": …}``; pairs add ``chosen`` and
               ``rejected``, KTO rows ``label``. Loss is on every turn of ``gpt``.
    openai     ``{"messages": [{"role": …, "content": …, "weight": 0 or 1}, …]}``; pairs are ``input``,
               ``preferred_output`` and ``non_preferred_output``. Loss is on assistants' messages of weight 1.

Neither can mask a part of a message, and ShareGPT no message at all. A row that would be trained on otherwise than it
says is left out of the file and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

from longthought.agents.errors import UsageError
from longthought.synth.derive.derivation import Dropped
from longthought.synth.derive.rows import Row

ChatFormat = Literal["sharegpt", "openai"]
Shape = Literal["sft", "preference", "kto"]
Message = dict[str, Any]
Write = Callable[[Any], "dict[str, Any] | Dropped"]

_SPEAKERS = {"user": "human", "assistant": "gpt"}


def shape_of(row: type[Row]) -> Shape | None:
    """What a row type trains, by its columns."""
    fields = row.model_fields.keys()
    if {"messages", "trained"} <= fields:
        return "sft"
    if {"prompt", "chosen", "rejected"} <= fields:
        return "preference"
    return "kto" if {"prompt", "completion", "label"} <= fields else None


def writer(form: ChatFormat, row: type[Row]) -> Write:
    """The function that turns a row of this type into a record of this format, or says why it cannot.

    Raises:
        UsageError: the format has no place for such rows.
    """
    shape = shape_of(row)
    if shape is None or (form, shape) not in _WRITERS:
        raise UsageError(
            f"its rows cannot be written as {form}; leave that format out, or export the kind by itself in others"
        )
    return _WRITERS[form, shape]


def _sharegpt_sft(row: Any) -> dict[str, Any] | Dropped:
    spoken = [trained for message, trained in _with(row) if message["role"] == "assistant"]
    if row.masked or not all(spoken):
        return Dropped("it has no loss mask")
    made = _conversation(row.messages)
    if made is None or len(made["conversations"]) % 2:
        return Dropped("its turns go to and fro")
    return {"id": row.id, **made}


def _sharegpt_preference(row: Any) -> dict[str, Any] | Dropped:
    if _masks_a_part(row):
        return Dropped("it has no loss mask")
    made = _conversation(_messages(row.prompt))
    chosen, rejected = _only(row.chosen), _only(row.rejected)
    if made is None or not len(made["conversations"]) % 2 or chosen is None or rejected is None:
        return Dropped("its turns go to and fro")
    return {
        "id": row.id,
        **made,
        "chosen": {"from": "gpt", "value": chosen},
        "rejected": {"from": "gpt", "value": rejected},
    }


def _sharegpt_kto(row: Any) -> dict[str, Any] | Dropped:
    made = _conversation([*_messages(row.prompt), *_messages(row.completion, "assistant")])
    if made is None or len(made["conversations"]) % 2:
        return Dropped("its turns go to and fro")
    return {"id": row.id, **made, "label": bool(row.label)}


def _openai_sft(row: Any) -> dict[str, Any] | Dropped:
    if row.masked:
        return Dropped("it cannot mask a part of a message")
    return {
        "messages": [
            {**message, "weight": int(trained)} if message["role"] == "assistant" else message
            for message, trained in _with(row)
        ]
    }


def _openai_preference(row: Any) -> dict[str, Any] | Dropped:
    if _masks_a_part(row):
        return Dropped("it cannot mask a part of a message")
    prompt = _messages(row.prompt)
    chosen, rejected = _only(row.chosen), _only(row.rejected)
    if not prompt or prompt[-1]["role"] == "assistant" or chosen is None or rejected is None:
        return Dropped("its turns go to and fro")
    return {
        "input": {"messages": prompt, "tools": [], "parallel_tool_calls": True},
        "preferred_output": [{"role": "assistant", "content": chosen}],
        "non_preferred_output": [{"role": "assistant", "content": rejected}],
    }


_WRITERS: dict[tuple[ChatFormat, Shape], Write] = {
    ("sharegpt", "sft"): _sharegpt_sft,
    ("sharegpt", "preference"): _sharegpt_preference,
    ("sharegpt", "kto"): _sharegpt_kto,
    ("openai", "sft"): _openai_sft,
    ("openai", "preference"): _openai_preference,
}


def _masks_a_part(row: Any) -> bool:
    """A part of a pair's sides carries no loss: what they share, or the end of a turn that is not ended."""
    return bool(row.shared) or not (row.chosen_finished and row.rejected_finished)


def _with(row: Any) -> list[tuple[Message, bool]]:
    return list(zip(row.messages, row.trained, strict=True))


def _messages(said: str | Sequence[Message], role: str = "user") -> list[Message]:
    return [{"role": role, "content": said}] if isinstance(said, str) else [dict(one) for one in said]


def _only(said: str | Sequence[Message]) -> str | None:
    """The text of a side of a pair, if it is one message of the assistant."""
    messages = _messages(said, "assistant")
    return messages[0]["content"] if [one["role"] for one in messages] == ["assistant"] else None


def _conversation(messages: Sequence[Message]) -> dict[str, Any] | None:
    """Turns of human and gpt from the first to the last; None if they do not take turns."""
    system = ""
    if messages and messages[0]["role"] == "system":
        system, messages = messages[0]["content"], messages[1:]
    if [one["role"] for one in messages] != [("user", "assistant")[at % 2] for at in range(len(messages))]:
        return None
    turns = [{"from": _SPEAKERS[cast("str", one["role"])], "value": one["content"]} for one in messages]
    return {"conversations": turns, "system": system}
