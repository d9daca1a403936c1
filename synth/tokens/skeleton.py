"""A rendered chat in parts: what the template writes, the tags of thoughts, and places for the texts of messages.

The template is rendered with a placeholder for every text. A message that is a thought in tags (``thought_tags.frame``)
has two, one for the thought and one for what stands behind it, so that a template which takes thoughts out of messages
and writes them into a slot of its own (Qwen3's) is seen to do so. Where such a template drops the thought (that of
DeepSeek-R1's distilled models) the whole message is one text, tags and all, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from longthought.agents.models.chat_tokens import PLACEHOLDER, PLACEHOLDERS, TEMPLATE
from longthought.agents.models.contract import Message
from longthought.synth.telling.thought_tags import frame


@dataclass(frozen=True, slots=True)
class Shape:
    """A message but for its texts: ``markup`` stands around and between them, one more than there are texts."""

    role: str
    markup: tuple[str, ...]

    @property
    def texts(self) -> int:
        return len(self.markup) - 1


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a rendered chat.

    Attributes:
        owner: the message that it is of, or ``TEMPLATE``.
        text: what is written; None where text number ``number`` of the message goes.
        number: of a text; of markup, the place of it among the markup of its message.
        left, right: the template strips the text on this side.
    """

    owner: int
    text: str | None
    number: int = 0
    left: bool = False
    right: bool = False


def text_spans(message: Message, cuts: Sequence[int], whole: bool) -> list[tuple[int, int]]:
    """Where the texts of a message stand in it: all of it, or between the tags of its thought.

    White space around a tag is the tag's, up to where the mask changes.

    Args:
        whole: it is not to be taken apart.
    """
    content = message.content
    tags = frame(content) if message.role == "assistant" and not whole else []
    if not content or not tags:
        return [(0, len(content))] if content else []
    stops = {*cuts, 0, len(content)}
    found: list[tuple[int, int]] = []
    at = 0
    for start, end in tags:
        while start not in stops and start > at and content[start - 1].isspace():
            start -= 1
        while end not in stops and content[end].isspace():
            end += 1
        if start > at:
            found.append((at, start))
        at = end
    if at < len(content):
        found.append((at, len(content)))
    # Tags around nothing are no thought.
    return found or [(0, len(content))]


def shape(message: Message, texts: Sequence[tuple[int, int]]) -> Shape:
    """What is left of a message without its texts."""
    edges = [0, *(place for span in texts for place in span), len(message.content)]
    return Shape(
        message.role, tuple(message.content[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))
    )


def skeleton(shapes: Sequence[Shape], render: Callable[[list[str]], str]) -> list[Part] | frozenset[int]:
    """The parts of a chat of these shapes, given how the template renders messages with such contents.

    Where the template drops or moves a text of messages in tags, these messages, which are to be taken as one text.
    """
    places = [(owner, number) for owner, each in enumerate(shapes) for number in range(each.texts)]
    numbered = {place: index for index, place in enumerate(places)}
    rendered = render([_probe(owner, each, numbered) for owner, each in enumerate(shapes)])
    matches = list(PLACEHOLDERS.finditer(rendered))
    found = [places[int(match[2])] for match in matches]
    torn = frozenset(
        owner
        for owner, each in enumerate(shapes)
        if any(each.markup) and [number for of, number in found if of == owner] != list(range(each.texts))
    )
    if torn:
        return torn
    edges = [0, *(place for match in matches for place in match.span()), len(rendered)]
    gaps = [rendered[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    parts = list(_gap(gaps[0], None, found[0] if found else None, shapes))
    for at, (match, place) in enumerate(zip(matches, found, strict=True)):
        owner, number = place
        parts.append(Part(owner, None, number, left=not match[1], right=not match[3]))
        parts += _gap(gaps[at + 1], place, found[at + 1] if at + 1 < len(found) else None, shapes)
    return parts


def _probe(owner: int, each: Shape, numbered: dict[tuple[int, int], int]) -> str:
    texts = (PLACEHOLDER.format(numbered[owner, number]) for number in range(each.texts))
    return "".join(part for pair in zip(each.markup, [*texts, ""], strict=True) for part in pair)


def _gap(
    text: str, before: tuple[int, int] | None, behind: tuple[int, int] | None, shapes: Sequence[Shape]
) -> Iterator[Part]:
    """What was rendered between two texts: the end of a message, the template's own, the beginning of the next."""
    if before and behind and before[0] == behind[0]:
        yield Part(before[0], text, behind[1])
        return
    first, last = 0, len(text)
    if before and (tag := shapes[before[0]].markup[-1].strip()) and (at := text.find(tag)) >= 0:
        first = at + len(tag)
        yield Part(before[0], text[:first], shapes[before[0]].texts)
    if behind and (tag := shapes[behind[0]].markup[0].strip()) and (at := text.rfind(tag, first)) >= 0:
        last = at
    if first < last:
        yield Part(TEMPLATE, text[first:last])
    if behind and last < len(text):
        yield Part(behind[0], text[last:], 0)
