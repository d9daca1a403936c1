"""A long thought that a model here wrote in one reply, taken apart as those of others are: steps and turns of mind.

Question, outcome and what was counted stay; steps and guessed decisions (see ``to_transcript``) take the place of the
one reply. Their texts, one behind the other, are the model's to the byte, the tags left out.
"""

from __future__ import annotations

from longthought.protocols.transcript import LONG_THOUGHT, Transcript
from longthought.synth.imports.foreign import LongThought
from longthought.synth.imports.journey_turns import journey_turns
from longthought.synth.imports.thought_in_text import Found, find_thought
from longthought.synth.imports.to_transcript import to_transcript


def taken_apart(transcript: Transcript) -> Transcript:
    """The transcript in steps; itself where it is no such thought, or an empty one."""
    if transcript.protocol != LONG_THOUGHT or not transcript.thoughts:
        return transcript
    (reply,) = transcript.thoughts
    try:
        found = find_thought(reply.text)
    except ValueError:  # tags that mark no thought
        found = None
    if found is None or not found.thought.strip():
        # It answered without a thought of its own, so what it says is all that it thought.
        found = Found(reply.text if found is None else found.behind or "", None, finished=True, whole=True)
    if not found.thought.strip():
        return transcript
    told = LongThought(
        question=transcript.problem.question,
        thought=found.thought,
        behind=found.behind,
        finished=found.finished and not (reply.truncated and found.behind is None),
        whole=found.whole and not reply.truncated,
    )
    read = to_transcript(told, transcript.problem, journey_turns())
    thoughts = tuple(each.model_copy(update={"informed": reply.informed}) for each in read.thoughts)
    return transcript.model_copy(
        update={"protocol": read.protocol, "thoughts": thoughts, "judgements": read.judgements}
    )
