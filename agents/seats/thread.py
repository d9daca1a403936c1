"""A linear AutoGen thread as a path: problem, step, verdict, step, …; so that our seats work in anybody's team."""

from __future__ import annotations

from collections.abc import Sequence

from autogen_agentchat.base import Response
from autogen_agentchat.messages import BaseChatMessage

from longthought.agents.decisions import Backtrack, Continue, Decision
from longthought.agents.errors import UnreadableVerdict, UsageError
from longthought.agents.problems import Problem
from longthought.agents.thoughts import Path, Thought, Turn
from longthought.agents.verdict_format import read_verdict


class Thread:
    """What an agent has seen of a thread so far: a team hands it only what was said since its last turn."""

    def __init__(self) -> None:
        self._messages: list[BaseChatMessage] = []

    def heard(self, messages: Sequence[BaseChatMessage]) -> Path:
        """The path of the whole thread, these messages at its end. Raises what ``path_of_thread`` raises."""
        self._messages += messages
        return path_of_thread(self._messages)

    def said(self, message: BaseChatMessage) -> Response:
        """The agent's own reply, which the team does not hand back to it."""
        self._messages.append(message)
        return Response(chat_message=message)

    def forget(self) -> None:
        self._messages.clear()


def path_of_thread(messages: Sequence[BaseChatMessage]) -> Path:
    """Read the whole thread: first the problem, then a message that reads as a verdict is one, the rest are steps.

    Raises:
        UsageError: the thread is empty.
    """
    if not messages:
        raise UsageError("an AutoGen thread needs at least one message: the problem")
    problem = Problem(id="thread", question=messages[0].to_text() or " ")
    thoughts: tuple[Thought, ...] = ()
    walk: list[Turn] = []
    for message in messages[1:]:
        text = message.to_text()
        decision = _verdict(text, len(thoughts)) if walk and walk[-1].decision is None else None
        if decision is None:
            if walk and walk[-1].decision is None:
                walk[-1] = _judged(walk[-1], Continue(), thoughts)
            parent = thoughts[-1].id if thoughts else 0
            thought = Thought(id=len(walk) + 1, parent=parent, kind="step", text=text)
            thoughts = (*thoughts, thought)
            walk.append(Turn(thought, len(thoughts)))
        else:
            walk[-1] = _judged(walk[-1], decision, thoughts)
            if isinstance(decision, Backtrack):
                thoughts = thoughts[: decision.to]
    return Path(problem, thoughts, tuple(walk))


def _verdict(text: str, depth: int) -> Decision | None:
    try:
        return read_verdict(text, depth)
    except UnreadableVerdict:
        return None


def _judged(turn: Turn, decision: Decision, thoughts: tuple[Thought, ...]) -> Turn:
    at = thoughts[decision.to - 1].text if isinstance(decision, Backtrack) and decision.to else ""
    return Turn(turn.thought, turn.depth, decision, at=at)
