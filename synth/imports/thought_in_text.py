"""Finds the thought in a model's reply by the tags that the field uses, and what stands behind it.

Only the line breaks that a format itself puts beside its tags are taken for part of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from longthought.synth.telling.thought_tags import FRAMES


@dataclass(frozen=True, slots=True)
class Tags:
    """Around the thought, and around the solution behind it where a format has such tags.

    ``breaks``: so many line breaks at most belong to a tag of the thought, on the thought's side.
    """

    frame: tuple[str, ...]
    breaks: int = 1

    @property
    def open(self) -> str:
        return self.frame[0]

    @property
    def close(self) -> str:
        return self.frame[1]


#: DeepSeek-R1's, STILL-2's and Sky-T1's, Marco-o1's.
THINK, STILL, MARCO = Tags(FRAMES[0]), Tags(FRAMES[1], breaks=2), Tags(FRAMES[2])
KNOWN = (THINK, STILL, MARCO)


@dataclass(frozen=True, slots=True)
class Found:
    """A thought and what is behind it, as ``foreign.LongThought`` has them."""

    thought: str
    behind: str | None
    finished: bool
    whole: bool


def find_thought(reply: str, tags: tuple[Tags, ...] = KNOWN) -> Found | None:
    """The thought in the reply, or None where it holds none of the tags.

    A reply may begin within the thought, its opening tag being the template's.

    Raises:
        ValueError: something stands before the thought, or a second one behind it.
    """
    kind = next((kind for kind in tags if kind.open in reply or kind.close in reply), None)
    if kind is None:
        return None
    before, opened, rest = reply.partition(kind.open)
    if not opened or kind.close in before:
        before, rest = "", reply
    if before.strip():
        raise ValueError(f"there is text before {kind.open}")
    thought, closed, behind = rest.partition(kind.close)
    if kind.open in behind or kind.close in behind:
        raise ValueError(f"there is a second {kind.open} behind the thought")
    thought = _without_breaks(thought, kind.breaks if opened else 0, kind.breaks if closed else 0)
    if not closed:
        return Found(thought, None, finished=False, whole=False)
    said, whole = _solution(behind, kind)
    return Found(thought, said or None, finished=True, whole=whole)


def parted(reply: str) -> tuple[str, str]:
    """The thought and what stands behind it; without a thought in known tags, all of it stands behind."""
    try:
        found = find_thought(reply)
    except ValueError:  # tags that mark no thought
        found = None
    return ("", reply.strip()) if found is None else (found.thought.strip(), found.behind or "")


def _solution(behind: str, tags: Tags) -> tuple[str, bool]:
    """What is behind the thought without its tags, and whether it came to its end."""
    if len(tags.frame) < 4 or tags.frame[2] not in behind:
        return behind.strip(), True
    before, _, rest = behind.partition(tags.frame[2])
    inside, closed, after = rest.partition(tags.frame[3])
    return "\n\n".join(part for part in (before.strip(), inside.strip(), after.strip()) if part), bool(closed)


def _without_breaks(text: str, left: int, right: int) -> str:
    for _ in range(left):
        text = text.removeprefix("\n")
    for _ in range(right):
        text = text.removesuffix("\n")
    return text
