"""Long thoughts in formats of their own: O1-Journey's, Sky-T1's evaluation outputs, Marco-o1's, verifiers' rollouts.

Sky-T1's training data and STILL-2's are chats with tags and read as such (``think``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, Field

from longthought.agents.rewards.answer_text import find_answer
from longthought.synth.imports.foreign import Foreign, LongThought, facts
from longthought.synth.imports.think import long_thought
from longthought.synth.imports.thought_in_text import KNOWN, MARCO, STILL, Found, find_thought


class _O1Journey(BaseModel):
    question: str
    answer: str | None = None
    longCOT: str


def o1_journey(row: Mapping[str, Any]) -> Iterator[Foreign]:
    """O1-Journey ``question, answer, longCOT``; the thought ends in a line ``#### answer``, which is part of it."""
    record = _O1Journey.model_validate(row)
    yield LongThought(
        question=record.question,
        gold=record.answer,
        thought=record.longCOT,
        metadata=facts(row, {*_O1Journey.model_fields}),
    )


class _SkyT1(BaseModel):
    question: str
    #: One output a sample; its thought is in STILL's tags, or there is none.
    code: list[str] = Field(min_length=1)
    gt: str | None = None
    score: list[bool | None] = Field(default_factory=list[bool | None])


def sky_t1(row: Mapping[str, Any]) -> Iterator[Foreign]:
    """Sky-T1's evaluation outputs (Qwen2.5-Math's evaluation code), and those of models without thoughts.

    An output without tags that states no answer did not come to its end; what was scored there was not meant as one.
    """
    record = _SkyT1.model_validate(row)
    for place, output in enumerate(record.code):
        found = find_thought(output, (STILL,))
        if found is None:
            stated = find_answer(output) is not None
            found = Found(output, None, finished=stated, whole=stated)
        yield long_thought(
            found,
            question=record.question,
            gold=record.gt,
            right=record.score[place] if place < len(record.score) else None,
            metadata=facts(row, {*_SkyT1.model_fields, "pred", "report", "gt_cot", "answer", "idx"}),
        )


class _MarcoO1(BaseModel):
    instruction: str
    response: str


def marco_o1(row: Mapping[str, Any]) -> Iterator[Foreign]:
    """Marco-o1's ``<Thought>…</Thought><Output>…</Output>``. Raises ValueError where a response has no such thought."""
    record = _MarcoO1.model_validate(row)
    found = find_thought(record.response, (MARCO,))
    if found is None:
        raise ValueError(f"`response` has no {MARCO.open}")
    metadata = facts(row, {*_MarcoO1.model_fields})
    yield long_thought(found, question=record.instruction, gold=None, right=None, metadata=metadata)


class _Message(BaseModel):
    role: str
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Rollout(BaseModel):
    prompt: list[_Message] | str
    completion: list[_Message] | str
    answer: str | None = None
    reward: float | None = None
    is_truncated: bool = False
    example_id: int | str | None = None


def verifiers(row: Mapping[str, Any]) -> Iterator[Foreign]:
    """A saved rollout of verifiers (``results.jsonl``: prompt, completion, answer, reward, …) with one reply.

    A reward of 1 or more says right, one of 0 or less wrong; what lies between may be for the form and says nothing.

    Raises:
        ValueError: the rollout has several turns, or none.
    """
    record = _Rollout.model_validate(row)
    asked = [m for m in record.prompt if m.role == "user"] if isinstance(record.prompt, list) else None
    said = record.completion if isinstance(record.completion, list) else None
    if (asked is not None and len(asked) != 1) or (
        said is not None and [m.role for m in said] != ["assistant"]
    ):
        raise ValueError("a rollout of several turns; a question and one reply make a long thought")
    question = (asked[0].content or "") if asked else str(record.prompt)
    reply = (said[0].content or "") if said else str(record.completion)
    reasoning = (said[0].reasoning_content or said[0].reasoning) if said else None
    if reasoning:
        found = Found(
            reasoning, reply.strip() or None, finished=bool(reply.strip()), whole=not record.is_truncated
        )
    else:
        found = find_thought(reply, KNOWN) or Found(
            reply, None, not record.is_truncated, not record.is_truncated
        )
    reward = record.reward
    yield long_thought(
        found,
        question=question,
        gold=record.answer or None,
        right=None if reward is None or 0 < reward < 1 else reward >= 1,
        metadata=facts(row, {*_Rollout.model_fields, "tool_defs", "error", "stop_condition", "is_completed"}),
    )
