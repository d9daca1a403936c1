"""What a seat's model is shown of a path: append-only by default, so that a server's prefix cache hits.

``context``  per_seat  each seat has its own thread: its own turns are the assistant's, the other seat's the user's
             shared    one thread for both seats on one model; every thought and every verdict is the assistant's, and
                       the user's cue says whose turn it is, so both seats share one cached prefix
``memory``   walk      everything that happened, in order (append-only)
             path      of a dead branch its first thought and why it was left, while its parent is the tip; shorter, but
                       a backtrack rewrites the prompt

What the critic is to judge is quoted as data, if the prompt set says how. On a shared thread that is the problem; the
steps are the assistant's own turns there, and stand as they were written.

Measured on vLLM over 12 turns, prompt tokens computed per request: per_seat 175, shared 112, pruned 306 to 436.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from longthought.agents.decisions import Backtrack, Reflect
from longthought.agents.models.contract import Message
from longthought.agents.prompts import Prompts
from longthought.agents.readings import Reading
from longthought.agents.thoughts import Path, Turn
from longthought.agents.verdict_format import write_verdict

ContextKind = Literal["per_seat", "shared"]
Memory = Literal["walk", "path"]
Thread = Literal["policy", "critic", "shared"]

#: A message of a finished debate, and, where a seat said it, the turn it belongs to and which half of it.
Said = tuple[Message, Turn | None, Literal["thought", "verdict", "cue"]]


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """How paths become messages. One context serves any number of debates."""

    prompts: Prompts
    kind: ContextKind = "per_seat"
    memory: Memory = "walk"
    #: Show rewards' readings to the critic (``reward: inject``).
    show_readings: bool = False

    def for_policy(self, path: Path) -> list[Message]:
        """The messages that ask for the next thought below the path's tip."""
        messages = self._messages(path, "shared" if self.kind == "shared" else "policy")
        if path.ask == "conclusion":
            turns = self._turns(path)
            messages[-1] = self._conclude(messages[-1], turns[-1] if turns else None)
        for retry in path.retries:
            messages += [
                Message("assistant", retry.reply),
                Message("user", self._cue("policy_cue", event="retry", complaint=retry.complaint)),
            ]
        return messages

    def for_critic(self, path: Path) -> list[Message]:
        """The messages that ask for a verdict on the path's last thought."""
        if self.kind == "shared":
            messages = self._messages(path, "shared")
            # The open turn ends in the thought to be judged; the critic's cue follows it.
            _join(messages, [Message("user", self._judge_cue(self._turns(path)[-1]))])
        else:
            messages = self._messages(path, "critic")
        for retry in path.retries:
            messages += [
                Message("assistant", retry.reply),
                Message("user", self._cue("critic_cue", event="retry", complaint=retry.complaint)),
            ]
        return messages

    def thread(self, path: Path, seat: Literal["policy", "critic"]) -> list[Said]:
        """Everything the seat was shown and said by the end of a debate, up to the last thing said.

        On one shared thread it does not matter which seat asks. Cues, the system prompt and, in the critic's own
        thread, the thoughts it is to judge are all ``cue``. Every thought and verdict is a message of its own.
        """
        turns = self._turns(path)
        judged = [turn for turn in turns if turn.decision is not None]
        spoken: Iterator[tuple[Turn, Literal["thought", "verdict"]]]
        if self.kind == "shared":
            messages = self._messages(path, "shared")
            spoken = ((turn, half) for turn in turns for half in _HALVES)
        elif seat == "policy":
            messages = self._messages(path, "policy")
            spoken = ((turn, "thought") for turn in turns)
        else:
            messages = self._messages(path, "critic")
            spoken = ((turn, "verdict") for turn in judged)
        said: list[Said] = [
            (message, *next(spoken)) if message.role == "assistant" else (message, None, "cue")
            for message in messages
        ]
        while said and said[-1][0].role != "assistant":
            said.pop()
        return said

    # --- threads ----------------------------------------------------------------------------------------------

    def _messages(self, path: Path, thread: Thread) -> list[Message]:
        """System prompt, problem, then every turn."""
        system = self.prompts.render(thread)
        messages = [Message("system", system)] if system else []
        question = path.problem.question
        messages.append(Message("user", question if thread == "policy" else self.prompts.quoted(question)))
        if thread != "critic":
            _join(
                messages, [Message("user", self._cue("policy_cue", event="start", shared=thread == "shared"))]
            )
        key = (self, thread)
        before: Turn | None = None
        for turn in self._turns(path):
            if turn.thought.concluding and thread != "critic":
                messages[-1] = self._conclude(messages[-1], before)
            # A turn never changes, so its messages are made once and not again for every later prompt.
            said: Sequence[Message] | None = turn.said.get(key)
            if said is None:
                said = turn.said[key] = self._turn_messages(turn, thread)
            _join(messages, said)
            before = turn
        return messages

    def _turn_messages(self, turn: Turn, thread: Thread) -> Sequence[Message]:
        text, decision = turn.thought.text, turn.decision
        if thread == "critic":
            said = [_with(Message("user", self.prompts.quoted(text)), self._judge_cue(turn))]
        else:
            said = [Message("assistant", text)]
        if decision is not None:
            if thread == "shared":
                said.append(Message("user", self._judge_cue(turn)))
            if thread != "policy":
                said.append(Message("assistant", write_verdict(decision)))
            if thread != "critic":
                said.append(Message("user", self._after(turn, shared=thread == "shared")))
        return said

    # --- pieces -----------------------------------------------------------------------------------------------

    def _turns(self, path: Path) -> Sequence[Turn]:
        if self.memory == "walk":
            return path.walk
        alive = {thought.id for thought in path.thoughts}
        tip = path.tip
        # What was tried below the tip stays, so that it is not tried again; everything else dead goes.
        return [
            turn if turn.thought.id in alive else _left(path.walk[at:])
            for at, turn in enumerate(path.walk)
            if turn.thought.id in alive or turn.thought.parent == tip
        ]

    def _judge_cue(self, turn: Turn) -> str:
        shown = (
            [_reading_line(each) for each in turn.readings if not each.is_vote] if self.show_readings else []
        )
        readings = "\n".join(shown)
        return self._cue("critic_cue", event="judge", number=turn.depth, readings=readings)

    def _after(self, turn: Turn, shared: bool) -> str:
        decision = turn.decision
        if turn.told_wrong:
            return self._cue("policy_cue", event="wrong", shared=shared)
        match decision:
            case Backtrack(to=to, why=why):
                return self._cue(
                    "policy_cue",
                    event="backtrack",
                    shared=shared,
                    to=to,
                    why=why,
                    at=turn.at,
                    number=to + 1,
                )
            case Reflect(why=why):
                return self._cue("policy_cue", event="reflect", shared=shared, why=why)
            case _:
                return self._cue("policy_cue", event="continue", shared=shared, number=turn.depth + 1)

    def _conclude(self, message: Message, before: Turn | None) -> Message:
        """The message with its cue, which follows the turn ``before`` or none, replaced by that for the conclusion."""
        shared = self.kind == "shared"
        cued = (
            self._cue("policy_cue", event="start", shared=shared)
            if before is None
            else self._after(before, shared)
        )
        head = message.content.removesuffix(cued).rstrip("\n")
        cue = self._cue("policy_cue", event="conclude")
        return Message(message.role, f"{head}\n\n{cue}" if head else cue)

    def _cue(self, part: str, **values: str | int | bool) -> str:
        return self.prompts.render(part, **values)


def _left(walk: Sequence[Turn]) -> Turn:
    """The first turn of ``walk``, whose thought was gone back past, with the verdict that did so, maybe a later one."""
    first = walk[0]
    by = next(
        (turn for turn in walk if isinstance(turn.decision, Backtrack) and turn.decision.to < first.depth),
        first,
    )
    return first if by is first else replace(first, decision=by.decision, at=by.at, told_wrong=False)


_HALVES: tuple[Literal["thought"], Literal["verdict"]] = ("thought", "verdict")


def _join(messages: list[Message], more: Sequence[Message]) -> None:
    """Append ``more``. If roles meet, the two messages become one, as strict templates ask."""
    if messages[-1].role == more[0].role:
        messages[-1] = _with(messages[-1], more[0].content)
        more = more[1:]
    messages += more


def _with(message: Message, more: str) -> Message:
    """The message with more text."""
    return Message(message.role, f"{message.content}\n\n{more}" if more else message.content)


def _reading_line(reading: Reading) -> str:
    return str(reading)
