"""A thought as it is measured: its text, how it ended, and what its tree shows where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from longthought.agents.decisions import Backtrack, Reflect
from longthought.protocols.transcript import WRITTEN, Transcript
from longthought.synth.derive.shortcut import direct_path
from longthought.synth.derive.standing import standing
from longthought.synth.imports.thought_in_text import find_thought
from longthought.synth.telling.phrases import load_phrases
from longthought.synth.telling.pieces import joined
from longthought.synth.telling.verbalise import as_written, verbalise

#: What problems call how hard they are.
_LEVELS = ("level", "difficulty")


@dataclass(frozen=True, slots=True)
class Told:
    """One thought.

    Attributes:
        finished: it came to its end, right or wrong.
        right: None where nobody knows.
        marked: its source marks where the thought ends; else all that the model said is one. None where it was cut.
        level: how hard the problem is said to be.
        solution: the length of the problem's worked solution in characters, where it comes with one.
        nodes, dead, detours: of its tree: thoughts, those that are not on the way to the end, and decisions to go back
            or to look again. None where only the text is known.
        guessed: the tree was guessed from the text.
    """

    text: str
    finished: bool = True
    right: bool | None = None
    marked: bool | None = True
    level: str | None = None
    solution: int | None = None
    nodes: int | None = None
    dead: int | None = None
    detours: int | None = None
    guessed: bool = False


def of_transcript(transcript: Transcript) -> Told:
    """A debate as one long thought, as ``journey`` tells it; or the long thought that others wrote."""
    walk = transcript.walk
    written = transcript.protocol == WRITTEN
    behind = transcript.behind
    if written:
        inside = [turn for turn in walk if turn.thought is not behind]
        text = joined(as_written(inside, {}))
        finished = bool(inside) and not inside[-1].thought.truncated
    else:
        # The lot of a journey with the default seed, but of a debate that was cut as well.
        text = joined(verbalise(walk, load_phrases(), f"0|{transcript.id}", standing(transcript)))
        finished = transcript.outcome.group not in ("limit", "error")
    way = direct_path(transcript)
    metadata: Mapping[str, Any] = transcript.problem.metadata
    level = next(
        (metadata[name] for name in _LEVELS if isinstance(metadata.get(name), int | float | str)), None
    )
    solution = metadata.get("solution")
    return Told(
        text=text,
        finished=finished,
        right=True if transcript.right else False if transcript.outcome.is_wrong else None,
        marked=True if not written or behind is not None else False if finished else None,
        level=f"{level:g}" if isinstance(level, float) else None if level is None else str(level),
        solution=len(solution) if isinstance(solution, str) else None,
        nodes=len(walk),
        dead=len(walk) - len(way),
        detours=sum(isinstance(turn.decision, Backtrack | Reflect) for turn in walk),
        guessed=written,
    )


def of_row(row: Mapping[str, Any]) -> Told | None:
    """The thought of a corpus's row that is a question and its solution; None for rows of other sorts."""
    told: object = row.get("messages") or row.get("conversations")
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in cast("list[object]", told)):
        return None
    messages = cast("list[dict[str, Any]]", told)
    roles = [message.get("role", message.get("from")) for message in messages]
    if roles not in (["user", "assistant"], ["human", "gpt"]):
        return None
    said = str(messages[1].get("content", messages[1].get("value")))
    try:
        found = find_thought(said)
    except ValueError:  # tags that mark no thought of it
        found = None
    return Told(
        text=found.thought if found else said,
        right={"solved": True, "wrong": False}.get(str(row.get("outcome"))),
        marked=found is not None,
    )
